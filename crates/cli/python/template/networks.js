// The part of a report in which its networks answer to pictures: the library's own code, as WebAssembly, from this very file.
"use strict";
(() => {
  const SIDE = 32, LARGEST = 2048, STEP = 8;
  const part = (name) => document.getElementById(`try-${name}`);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const canvasOf = (size) => make("canvas", { width: size, height: size });
  const pen = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
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

  async function start() {
    const page = JSON.parse(document.getElementById("networks").textContent);
    const ask = await library(await inflate(page.module));
    for (const network of page.networks) ask(await unpack(network.weights), "load");
    const images = await unpack(page.images);
    const size = 3 * SIDE * SIDE;
    let pixels = images.subarray(0, size);

    // The middle square of something that a canvas can draw, as the networks see it.
    function shrink(source, width, height) {
      const square = Math.min(width, height), side = Math.min(square, LARGEST), canvas = canvasOf(side);
      const context = pen(canvas);
      context.fillStyle = "#fff";
      context.fillRect(0, 0, side, side);
      context.imageSmoothingQuality = "high";
      context.drawImage(source, Math.floor((width - square) / 2), Math.floor((height - square) / 2), square, square, 0, 0, side, side);
      return Uint8Array.from(ask(context.getImageData(0, 0, side, side).data, "shrink", side));
    }

    // The table: a column for each network, a row for each class, and above them what the answer depends on.
    const table = part("table"), chosen = part("class"), wanted = part("saliency");
    const title = ({ name, accuracy }) =>
      make("th", { scope: "col" }, name, make("small", {}, accuracy === null ? "not tested" : `${percent(accuracy)} of the test images right`));
    table.append(make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "class"), ...page.networks.map(title))));
    const rows = page.classes.map((name) => {
      const cells = page.networks.map(() => make("td", {}, make("span", { className: "bar-of" }, make("i"), make("span"))));
      return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
    });
    const maps = page.networks.map(() => Object.assign(canvasOf(SIDE), { role: "img" }));
    const mapRow = make("tr", { hidden: true }, make("th", { scope: "row" }, "depends on"), ...maps.map((map) => make("td", {}, map)));
    table.append(make("tbody", {}, mapRow, ...rows));
    chosen.append(make("option", { value: -1 }, "its answer"), ...page.classes.map((name, value) => make("option", { value }, name)));

    // Shows pixels and what the networks say of them; `said` begins the sentence.
    function show(next, said) {
      pixels = next;
      draw(part("seen"), pixels);
      part("seen").setAttribute("aria-label", `${said}, 32 by 32 pixels`);
      const answers = page.networks.map(({ name }, column) => {
        const probabilities = ask(pixels, "predict", column);
        const best = probabilities.indexOf(Math.max(...probabilities));
        rows.forEach((row, index) => {
          const cell = row.cells[column + 1], [bar, text] = cell.firstChild.children;
          cell.classList.toggle("first", index === best);
          bar.style.setProperty("--p", probabilities[index]);
          text.textContent = percent(probabilities[index]);
          cell.dataset.probability = probabilities[index];
        });
        explain(column, name, best);
        return `${name} says ${page.classes[best]} (${percent(probabilities[best])})`;
      });
      part("verdict").textContent = `${said}: ${answers.join("; ")}.`;
    }
    function explain(column, name, best) {
      mapRow.hidden = part("map-note").hidden = !wanted.checked;
      if (!wanted.checked) return;
      const number = Number(chosen.value), of = number < 0 ? best : number;
      drawHeat(maps[column], ask(pixels, "saliency", column, of));
      maps[column].setAttribute("aria-label", `What ${name}’s output for ${page.classes[of]} depends on`);
    }
    let said = "";
    const showAs = (next, words) => show(next, (said = words));
    for (const control of [wanted, chosen]) control.addEventListener("change", () => show(pixels, said));

    // Test images.
    const buttons = page.labels.map((label, number) => {
      const canvas = canvasOf(SIDE), own = images.subarray(number * size, (number + 1) * size);
      draw(canvas, own);
      const button = make("button", { type: "button", title: page.classes[label] }, canvas);
      button.setAttribute("aria-label", `Test image ${number + 1}: ${page.classes[label]}`);
      button.addEventListener("click", () => {
        showAs(own, `A test image of the class ${page.classes[label]}`);
        press(button);
      });
      return button;
    });
    const press = (pressed) => buttons.forEach((button) => button.setAttribute("aria-pressed", button === pressed));
    part("samples").append(...buttons);

    // Pictures from elsewhere: the last one asked for is shown, however long an earlier one takes.
    let asked = 0;
    async function read(file) {
      const turn = (asked += 1);
      try {
        const bitmap = await createImageBitmap(file);
        if (turn !== asked) return;
        showAs(shrink(bitmap, bitmap.width, bitmap.height), `Your picture${file.name ? ` ${file.name}` : ""}`);
        bitmap.close();
        press();
      } catch {
        const name = file.name ? `“${file.name}”` : "That";
        part("verdict").textContent = `${name} is no picture that this browser can read. Take a PNG, JPEG, WebP or GIF file.`;
      }
    }
    const first = (items) => {
      const files = [...(items?.files ?? [])];
      return files.find((file) => file.type.startsWith("image/")) ?? files[0];
    };
    part("file").addEventListener("change", ({ target }) => {
      if (first(target)) read(first(target));
      target.value = "";
    });
    document.addEventListener("paste", (event) => {
      const file = first(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      read(file);
    });
    const area = document.getElementById("try");
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
    document.addEventListener("dragleave", () => area.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("over");
      const file = first(event.dataTransfer);
      if (file) read(file);
      else part("verdict").textContent = "That is no file: save the picture, and drop or choose it.";
    });

    // Drawing.
    const paper = part("paper"), context = pen(paper), cursor = paper.nextElementSibling;
    const at = { x: paper.width / 2, y: paper.height / 2 };
    let waiting = false;
    function see() {
      asked += 1;
      press();
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        showAs(shrink(paper, paper.width, paper.height), "Your drawing");
      });
    }
    function moveTo(x, y, draws) {
      if (draws) {
        Object.assign(context, { lineCap: "round", lineWidth: part("brush").value, strokeStyle: part("colour").value });
        context.beginPath();
        context.moveTo(at.x, at.y);
        // A line of no length would leave nothing, where a point is meant.
        context.lineTo(x, y + 0.01);
        context.stroke();
        see();
      }
      Object.assign(at, { x, y });
      const width = Number(part("brush").value);
      Object.assign(cursor.style, { left: `${x - width / 2}px`, top: `${y - width / 2}px`, width: `${width}px`, height: `${width}px` });
    }
    const fill = (colour) => {
      context.fillStyle = colour;
      context.fillRect(0, 0, paper.width, paper.height);
    };
    fill("#ffffff");
    moveTo(at.x, at.y, false);
    part("brush").addEventListener("input", () => moveTo(at.x, at.y, false));
    part("fill").addEventListener("click", () => {
      fill(part("colour").value);
      see();
    });
    part("draw").addEventListener("click", ({ currentTarget }) => {
      part("pad").hidden = !part("pad").hidden;
      currentTarget.setAttribute("aria-expanded", String(!part("pad").hidden));
      if (!part("pad").hidden) see();
    });
    paper.addEventListener("pointerdown", (event) => {
      paper.setPointerCapture(event.pointerId);
      Object.assign(at, { x: event.offsetX, y: event.offsetY });
      moveTo(event.offsetX, event.offsetY, true);
    });
    paper.addEventListener("pointermove", (event) => {
      if (event.buttons > 0) moveTo(event.offsetX, event.offsetY, true);
    });
    paper.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const [x, y] = [at.x + STEP * way[0], at.y + STEP * way[1]].map((to) => Math.min(paper.width, Math.max(0, to)));
      moveTo(x, y, event.shiftKey);
    });

    part("state").hidden = true;
    area.hidden = false;
    buttons[0].click();
  }

  // Megabytes are unpacked once the reader comes near.
  part("state").textContent = "The networks are being unpacked.";
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    start().catch((error) => {
      part("state").textContent = `This browser cannot compute with the networks (${error.message}). One of the last three years can.`;
    });
  }, { rootMargin: "600px" });
  near.observe(part("state"));
})();
