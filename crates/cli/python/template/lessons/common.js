// What all figures share: the library, parts of a page, numbers as text, and a button that plays.
const figures = {};
const QUESTIONS = ["valley", "layers", "begin", "points", "train", "units"];
const ACTIVATIONS = ["linear", "relu", "elu", "gelu", "tanh", "sigmoid"];

// The library from this very file: `ask(question, …numbers)` gives back the floats of the answer.
async function library() {
  const letters = atob(JSON.parse(document.getElementById("lessons").textContent));
  const packed = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const { instance } = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), {});
  const lab = instance.exports;
  return (question, ...numbers) => {
    const room = lab.room(numbers.length);
    new Float32Array(lab.memory.buffer, room, numbers.length).set(numbers);
    const count = lab.answer(QUESTIONS.indexOf(question));
    return new Float32Array(lab.memory.buffer, lab.results(), count).slice();
  };
}

const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// A number as a reader writes it: −0.0125, 420, 1.3·10⁻⁷.
const signed = (text) => text.replace("-", "−");
const raised = (exponent) => [...String(exponent)].map((letter) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(letter)]).join("");
function written(value, digits = 3) {
  if (!Number.isFinite(value)) return "no number";
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)) return signed(String(Number(value.toPrecision(digits))));
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return signed(`${Number(mantissa)}·10${raised(Number(exponent))}`);
}

// The named controls of a figure.
const controls = (root) => Object.fromEntries([...root.querySelectorAll("[name]")].map((one) => [one.name, one]));
// Says the value of a slider in words, beside it and to a screen reader.
function say(slider, words) {
  slider.setAttribute("aria-valuetext", words);
  slider.closest("label").querySelector(".value").textContent = words;
}
// The step of an arrow key, to the right and downwards.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const wantsNoMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// A button that plays and pauses: `tick(1)` is called for every frame until it gives back false. Where the reader wants no
// motion, a press does `many` ticks at once, and only their end is shown.
function player(button, { play, pause, atOnce, many }, tick) {
  let playing = false;
  const set = (next) => {
    playing = next;
    button.textContent = playing ? pause : wantsNoMotion() ? atOnce : play;
  };
  const frame = () => {
    if (!playing) return;
    if (tick(1) === false) set(false);
    else requestAnimationFrame(frame);
  };
  button.addEventListener("click", () => {
    if (wantsNoMotion()) return tick(many);
    set(!playing);
    if (playing) requestAnimationFrame(frame);
  });
  set(false);
  return { stop: () => set(false) };
}

// Calls `work` once before the next frame, however often it is asked to.
function soon(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}

// An empty chart in an <svg>, with axes, as wide as there is room; gives back where values lie, and draws lines of them.
const LEFT = 46, RIGHT = 12, TOP = 20, BOTTOM = 34;
const roomFor = (picture) => {
  const [height, width] = [picture.viewBox.baseVal.height, Math.max(260, Math.round(picture.getBoundingClientRect().width) || 380)];
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return { width, height };
};
function chart(picture, { x, xTicks, xName, y, yTicks, yName, log = false }) {
  const { width, height } = roomFor(picture), scale = log ? Math.log10 : (value) => value;
  const share = (value, [from, to]) => (value - from) / (to - from);
  const at = {
    x: (value) => LEFT + share(value, x) * (width - LEFT - RIGHT),
    // What is beyond the axis runs along its edge.
    y: (value) => height - BOTTOM - Math.min(1.02, Math.max(-0.02, share(scale(value), y.map(scale)))) * (height - TOP - BOTTOM),
  };
  const axes = svg("g", { class: "axes" });
  const text = (left, top, words, anchor) => axes.append(svg("text", { x: left, y: top, "text-anchor": anchor }, words));
  for (const value of yTicks) {
    axes.append(svg("path", { d: `M${LEFT} ${at.y(value)}H${width - RIGHT}` }));
    text(LEFT - 6, at.y(value) + 4, log && (value < 0.01 || value > 100) ? `10${raised(Math.round(Math.log10(value)))}` : written(value), "end");
  }
  for (const value of xTicks) text(at.x(value), height - BOTTOM + 15, String(value), "middle");
  text((LEFT + width - RIGHT) / 2, height - 4, xName, "middle");
  text(LEFT, TOP - 8, yName, "start");
  picture.replaceChildren(axes);
  // A line through values, the first of them at `first`; what cannot be drawn is left out.
  const line = (values, first, className) => {
    const drawn = values.map((value, index) => [index + first, value]).filter(([, value]) => Number.isFinite(value) && (!log || value > 0));
    const points = drawn.map(([index, value]) => `${at.x(index).toFixed(1)},${at.y(value).toFixed(1)}`);
    picture.append(svg("polyline", { class: `series ${className}`, points: points.join(" ") }));
  };
  return { at, line, height };
}
// Powers of ten that divide an axis into at most six parts.
function decades(low, high) {
  const step = Math.ceil((high - low) / 6);
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, number) => 10 ** (low + number * step));
}
