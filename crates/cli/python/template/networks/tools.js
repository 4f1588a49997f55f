// What all parts share: elements, canvases, and what networks.py and album.py have packed.
const SIDE = 32;
const part = (name) => document.getElementById(`try-${name}`);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const canvasOf = (size) => make("canvas", { width: size, height: size });
const pen = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
const wait = () => new Promise((done) => setTimeout(done));
const percent = (p) => `${(100 * p).toFixed(1)} %`;

// Text as bytes, as networks.py packs them: five letters for four bytes of what is deflated, the last padded.
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
async function inflate(text) {
  const values = new Uint8Array(128), whole = text.padEnd(5 * Math.ceil(text.length / 5), "~");
  for (let value = 0; value < LETTERS.length; value += 1) values[LETTERS.charCodeAt(value)] = value;
  const numbers = new DataView(new ArrayBuffer((4 * whole.length) / 5));
  for (let at = 0; at < whole.length; at += 5) {
    let number = 0;
    for (let next = at; next < at + 5; next += 1) number = 85 * number + values[whole.charCodeAt(next)];
    numbers.setUint32((4 * at) / 5, number);
  }
  const bytes = new Uint8Array(numbers.buffer, 0, Math.floor((4 * text.length) / 5));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Every second byte comes first, then the others.
async function unpack(text) {
  const parts = await inflate(text), half = parts.length / 2, bytes = new Uint8Array(parts.length);
  for (let i = 0; i < half; i += 1) {
    bytes[2 * i] = parts[i];
    bytes[2 * i + 1] = parts[half + i];
  }
  return bytes;
}

// The library: `ask(bytes, name, …numbers)` writes bytes to its memory, calls a function, and gives back the floats it leaves.
async function library(code) {
  const { instance } = await WebAssembly.instantiate(code, {});
  const lab = instance.exports;
  return (bytes, name, ...numbers) => {
    const room = lab.room(bytes.length);
    new Uint8Array(lab.memory.buffer, room, bytes.length).set(bytes);
    const count = lab[name](...numbers);
    if (count >= 0) return new Float32Array(lab.memory.buffer, lab.results(), count).slice();
    throw new Error(new TextDecoder().decode(new Uint8Array(lab.memory.buffer, lab.message(), -count)));
  };
}

// Draws RGB bytes on a canvas as wide as they say.
function draw(canvas, pixels) {
  const side = Math.sqrt(pixels.length / 3);
  Object.assign(canvas, { width: side, height: side });
  const image = pen(canvas).createImageData(side, side);
  for (let at = 0; at < side * side; at += 1) image.data.set([...pixels.subarray(3 * at, 3 * at + 3), 255], 4 * at);
  pen(canvas).putImageData(image, 0, 0);
}

// White where a place of the input does not move the output, orange where it moves it most, as in the report's figures.
function drawHeat(canvas, saliency) {
  const most = Math.max(...saliency, Number.MIN_VALUE);
  const shade = (value) => [213, 94, 0].map((full) => 255 + (value / most) * (full - 255));
  draw(canvas, Uint8Array.from([...saliency].flatMap(shade)));
}

// A sheet of pictures of 32 × 32 pixels, so many in a row: the bytes of one, and one on a canvas.
async function unpackSheet(text, across) {
  const bitmap = await createImageBitmap(new Blob([await inflate(text)], { type: "image/jpeg" }));
  const sheet = make("canvas", { width: bitmap.width, height: bitmap.height });
  pen(sheet).drawImage(bitmap, 0, 0);
  bitmap.close();
  const place = (number) => [SIDE * (number % across), SIDE * Math.floor(number / across), SIDE, SIDE];
  const pixels = (number) => pen(sheet).getImageData(...place(number)).data.filter((_, at) => at % 4 < 3);
  const picture = (number, properties) => {
    const canvas = Object.assign(canvasOf(SIDE), properties);
    pen(canvas).drawImage(sheet, ...place(number), 0, 0, SIDE, SIDE);
    return canvas;
  };
  return { pixels: (number) => Uint8Array.from(pixels(number)), picture };
}
