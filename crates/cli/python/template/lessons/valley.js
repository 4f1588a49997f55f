// Notebook 4: four optimizers on their way down a valley, each with a learning rate to move.
figures.valley = (root, ask) => {
  const NAMES = ["SGD", "momentum 0.9", "RMSprop", "Adam"], STEPS = 100, REACH = 12, SIDE = 400;
  const part = controls(root), plot = root.querySelector(".plot"), losses = root.querySelector(".losses");
  const rateOf = (place) => 1e-4 * 1e5 ** (place / 100);
  const start = { along: 10, across: 1 };
  let paths = [];

  const rows = NAMES.map((name, number) => {
    const row = document.createElement("div");
    row.className = `rate series-${number}`;
    row.innerHTML = `<label class="check"><input type="checkbox" checked> <i></i>${name}</label>
      <label class="rate-of"><span class="hidden">Learning rate of ${name}</span> <span class="value" aria-hidden="true"></span><input type="range" min="0" max="100" value="46"></label>
      <span class="loss" data-optimizer="${number}"></span>`;
    const [shown, slider] = row.querySelectorAll("input");
    return { row, shown, slider, loss: row.querySelector(".loss") };
  });
  root.querySelector(".rates").append(...rows.map(({ row }) => row));

  const place = (x, y) => [SIDE / 2 + (x * SIDE) / 2 / REACH, SIDE / 2 - (y * SIDE) / 2 / REACH];
  const lines = svg("g", { class: "contours" }), ways = svg("g"), ticks = svg("g", { class: "axes" });
  const handle = svg("g", { class: "handle", tabindex: 0, role: "slider", "aria-label": "Start, two weights; arrow keys move it", "aria-valuemin": -REACH, "aria-valuemax": REACH },
    svg("circle", { class: "reach", r: 24 }), svg("circle", { class: "knob", r: 8 }));
  for (const value of [-10, -5, 5, 10]) {
    const [x, y] = place(value, value);
    ticks.append(svg("text", { x, y: SIDE - 6, "text-anchor": "middle" }, signed(String(value))), svg("text", { x: 4, y: y + 4 }, signed(String(value))));
  }
  plot.append(lines, ticks, ways, handle);

  // Curvatures from 1 to 400, at equal factors.
  const valley = () => ({ angle: Number(part.angle.value), steep: Math.round(400 ** (part.steep.value / 100)) });
  function weights() {
    const turn = (valley().angle * Math.PI) / 180, [sin, cos] = [Math.sin(turn), Math.cos(turn)];
    return [cos * start.along - sin * start.across, sin * start.along + cos * start.across];
  }
  function moveTo(x, y) {
    const turn = (valley().angle * Math.PI) / 180, [sin, cos] = [Math.sin(turn), Math.cos(turn)];
    const [a, b] = [x, y].map((value) => Math.max(-REACH, Math.min(REACH, value)));
    Object.assign(start, { along: cos * a + sin * b, across: cos * b - sin * a });
    compute();
  }
  const descend = (number, rate) => {
    const { angle, steep } = valley(), floats = ask("valley", number, rate, steep, angle, ...weights(), STEPS);
    return Array.from({ length: floats.length / 3 }, (_, at) => [...floats.subarray(3 * at, 3 * at + 3)]);
  };

  function compute() {
    const { angle, steep } = valley(), unit = SIDE / 2 / REACH;
    paths = rows.map(({ slider }, number) => descend(number, rateOf(Number(slider.value))));
    rows.forEach(({ slider }) => say(slider, written(rateOf(Number(slider.value)), 2)));
    say(part.angle, `${angle}°`);
    say(part.steep, String(steep));
    root.querySelector(".limit").textContent = `SGD converges below 2 / ${steep} = ${written(2 / steep)}.`;
    const ellipse = (loss) => svg("ellipse", { rx: unit * Math.sqrt(2 * loss), ry: unit * Math.sqrt((2 * loss) / steep), transform: `translate(${SIDE / 2} ${SIDE / 2}) rotate(${-angle})` });
    lines.replaceChildren(...[0.5, 2, 8, 18, 32, 50, 72, 128, 200, 400, 800, 1600].map(ellipse));
    const [x, y] = weights(), [left, top] = place(x, y);
    handle.setAttribute("transform", `translate(${left} ${top})`);
    plot.dataset.start = JSON.stringify([x, y]);
    handle.setAttribute("aria-valuenow", x.toFixed(1));
    handle.setAttribute("aria-valuetext", `first weight ${signed(x.toFixed(1))}, second weight ${signed(y.toFixed(1))}`);
    draw();
  }

  function draw() {
    const steps = Number(part.steps.value);
    const { at, line, height } = chart(losses, { x: [0, STEPS], xTicks: [0, 20, 40, 60, 80, 100], xName: "step", y: [1e-8, 1e4], yTicks: decades(-8, 4), yName: "loss", log: true });
    say(part.steps, String(steps));
    ways.replaceChildren();
    rows.forEach(({ shown, loss }, number) => {
      const whole = paths[number], path = whole.slice(0, steps + 1), last = path[path.length - 1];
      const gone = whole.length <= steps;
      loss.textContent = `loss ${gone ? "infinite" : written(last[2], 2)}`;
      loss.dataset.loss = gone ? "Infinity" : last[2];
      if (!shown.checked) return;
      // Far outside only the direction counts, and numbers that a browser cannot draw do not.
      const places = path.map(([x, y]) => place(...[x, y].map((value) => Math.max(-1e3, Math.min(1e3, value)))).map((value) => value.toFixed(1)));
      ways.append(svg("polyline", { class: `series series-${number}`, points: places.join(" ") }));
      for (const [cx, cy] of places.slice(1)) ways.append(svg("circle", { class: `dot series-${number}`, cx, cy, r: 1.8 }));
      const [cx, cy] = places[places.length - 1];
      ways.append(svg("circle", { class: `end series-${number}`, cx, cy, r: 5 }));
      line(whole.map((point) => point[2]), 0, `faint series-${number}`);
      line(path.map((point) => point[2]), 0, `series-${number}`);
    });
    losses.append(svg("path", { class: "now", d: `M${at.x(steps)} ${TOP}V${height - BOTTOM}` }));
  }

  function goTo(step) {
    part.steps.value = step;
    draw();
  }
  const steps = () => Number(part.steps.value);
  let frames = 0;
  const playing = player(part.play, { play: "Play", pause: "Pause", atOnce: "To the end", many: STEPS }, (many) => {
    if (many === 1 && (frames += 1) % 4 !== 0) return true;
    goTo(many > 1 ? STEPS : steps() + 1);
    return steps() < STEPS;
  });
  part.play.addEventListener("click", () => steps() >= STEPS && !wantsNoMotion() && goTo(0));
  part.step.addEventListener("click", () => goTo(steps() >= STEPS ? 1 : steps() + 1));
  part.back.addEventListener("click", () => {
    playing.stop();
    goTo(0);
  });
  part.best.addEventListener("click", () => {
    rows.forEach(({ slider }, number) => {
      const ends = Array.from({ length: 101 }, (_, rate) => {
        const path = descend(number, rateOf(rate));
        return path.length > STEPS ? path[STEPS][2] : Infinity;
      });
      slider.value = ends.indexOf(Math.min(...ends));
    });
    compute();
  });
  part.steps.addEventListener("input", draw);
  part.angle.addEventListener("input", compute);
  part.steep.addEventListener("input", compute);
  rows.forEach(({ shown, slider }) => {
    shown.addEventListener("change", draw);
    slider.addEventListener("input", compute);
  });

  // The start: dragged, put where the plane is clicked, or moved with arrow keys.
  const under = (event) => {
    const box = plot.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width - 0.5) * 2 * REACH, (0.5 - (event.clientY - box.top) / box.height) * 2 * REACH];
  };
  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => event.buttons > 0 && moveTo(...under(event)));
  plot.addEventListener("click", (event) => moveTo(...under(event)));
  handle.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = weights(), size = event.shiftKey ? 2 : 0.5;
    moveTo(x + size * way[0], y - size * way[1]);
  });
  compute();
};
