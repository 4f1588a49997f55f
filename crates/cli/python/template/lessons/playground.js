// Notebook 2: a network of two inputs in training, on points that the reader places.
figures.playground = (root, ask) => {
  const SIDE = 64, TILE = 24, KEY = 6, NEAR = 12;
  const part = controls(root), plot = root.querySelector(".plot"), surface = root.querySelector(".surface"), tiles = root.querySelector(".tiles");
  const number = (control) => Number(control.value);
  let points = PRESETS(part.preset.selectedIndex), history = [], epochs = 0, seed = 0, right = NaN;

  const marks = svg("g"), cursor = svg("path", { class: "cursor", d: "M-9 0H9M0-9V9" });
  const mark = { x: 128, y: 128 };
  plot.append(marks, cursor);

  // The page's colours as numbers, for what is drawn pixel by pixel.
  const pen = surface.getContext("2d");
  function colour(name) {
    pen.fillStyle = getComputedStyle(root).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
  }
  // Values from −1 (blue) to 1 (orange) on a canvas; 0 is what lies behind it.
  function paint(canvas, side, values) {
    const image = new ImageData(side, side), colours = [colour("--link"), colour("--focus")];
    values.forEach((value, at) => image.data.set([...colours[Number(value > 0)], 150 * Math.min(1, Math.abs(value)) || 0], 4 * at));
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function drawPoints() {
    plot.dataset.points = JSON.stringify(points);
    marks.replaceChildren(...points.map(([x, y, label]) => label === 0
      ? svg("circle", { class: "point blue", cx: x, cy: y, r: 4 })
      : svg("path", { class: "point orange", d: `M${x} ${y - 5}l5 8.6h-10z` })));
  }

  function draw() {
    const probabilities = ask("units", number(part.layers), SIDE);
    paint(surface, SIDE, Array.from({ length: SIDE * SIDE }, (_, at) => 2 * probabilities[2 * at + 1] - 1));
    [...tiles.children].forEach((canvas, at) => {
      const units = number(part.units), layer = Math.floor(at / units);
      if (at % units === 0) tiles.values = ask("units", layer, TILE);
      const values = Array.from({ length: TILE * TILE }, (_, place) => tiles.values[place * units + (at % units)]);
      const most = Math.max(...values.map(Math.abs), 1e-6);
      paint(canvas, TILE, values.map((value) => value / most));
    });
    const end = 20 * 2 ** Math.max(0, Math.ceil(Math.log2(epochs / 20))), top = 0.4 * Math.max(2, Math.ceil(Math.max(0, ...history.filter(Number.isFinite)) / 0.4));
    const quarters = (whole) => [0, 0.25, 0.5, 0.75, 1].map((part) => part * whole);
    const { line } = chart(root.querySelector(".losses"), { x: [0, end], xTicks: quarters(end), xName: "epoch", y: [0, top], yTicks: quarters(top), yName: "loss" });
    line(history, 1, "series-0");
    const last = history[history.length - 1], words = root.querySelector(".numbers");
    words.textContent = epochs === 0 ? `${points.length} points; not trained yet` : `${points.length} points; epoch ${epochs}: loss ${written(last)}, ${(100 * right).toFixed(0)} % right`;
    Object.assign(words.dataset, { epochs, loss: last, right });
  }

  function train(count) {
    if (points.length === 0) return false;
    const answer = ask("train", count);
    for (let at = 0; at < answer.length; at += 2) history.push(answer[at]);
    epochs += answer.length / 2;
    right = answer[answer.length - 1];
    draw();
    return Number.isFinite(history[history.length - 1]);
  }
  // At first slowly, so that it can be followed.
  const training = player(part.train, { play: "Train", pause: "Pause", atOnce: "Train 100 epochs", many: 100 }, (many) => train(many > 1 ? many : Math.min(4, 1 + Math.floor(epochs / 40))));

  const givePoints = () => ask("points", ...points.flat());
  function begin() {
    const rate = 1e-3 * 10 ** (number(part.rate) / 20);
    say(part.layers, part.layers.value);
    say(part.units, part.units.value);
    say(part.rate, written(rate, 2));
    ask("begin", number(part.layers), number(part.units), part.activation.selectedIndex, rate, seed);
    givePoints();
    [history, epochs, right] = [[], 0, NaN];
    const label = (at) => `Unit ${(at % number(part.units)) + 1} of hidden layer ${Math.floor(at / number(part.units)) + 1}`;
    tiles.style.setProperty("--columns", part.units.value);
    tiles.replaceChildren(...Array.from({ length: number(part.layers) * number(part.units) }, (_, at) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: TILE, height: TILE, title: label(at) });
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", label(at));
      return canvas;
    }));
    drawPoints();
    draw();
  }

  for (const name of ["layers", "units", "rate"]) part[name].addEventListener("input", begin);
  part.activation.addEventListener("change", begin);
  part.preset.addEventListener("change", () => {
    training.stop();
    points = PRESETS(part.preset.selectedIndex);
    begin();
  });
  part.once.addEventListener("click", () => train(1));
  part.fresh.addEventListener("click", () => {
    seed += 1;
    begin();
  });

  // A click adds a point or removes the nearest; the training goes on with what is there then.
  function click(x, y) {
    const choice = Number(root.querySelector("[name=click]:checked").value);
    if (choice < 2) points.push([x, y, choice]);
    else {
      const distances = points.map((point) => Math.hypot(point[0] - x, point[1] - y)), nearest = Math.min(...distances);
      if (nearest <= NEAR) points.splice(distances.indexOf(nearest), 1);
    }
    givePoints();
    drawPoints();
    draw();
  }
  const byte = (value) => Math.max(0, Math.min(255, Math.round(value)));
  plot.addEventListener("click", (event) => {
    const box = plot.getBoundingClientRect();
    click(byte((256 * (event.clientX - box.left)) / box.width), byte((256 * (event.clientY - box.top)) / box.height));
  });
  const moveMark = () => cursor.setAttribute("transform", `translate(${mark.x} ${mark.y})`);
  plot.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (event.key === "Enter" || event.key === " ") click(mark.x, mark.y);
    else if (way) Object.assign(mark, { x: byte(mark.x + KEY * way[0]), y: byte(mark.y + KEY * way[1]) });
    else return;
    event.preventDefault();
    moveMark();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  moveMark();
  begin();
};
