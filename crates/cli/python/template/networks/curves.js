// The curves of all runs: values under the pointer or at the chosen epoch, bands of seeds, series that can be hidden.
const LEFT = 46, BOTTOM = 28, TOP = 10, RIGHT = 12, SERIES = 8;

// `curves` has for each notebook its series: a name and, for each seed, the values of each measure by epoch.
function showCurves({ notebooks, measures }) {
  const at = (name) => document.getElementById(`curves-${name}`);
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  };
  const [notebook, measure, epoch, legend] = ["notebook", "measure", "epoch", "legend"].map(at);
  notebook.append(...notebooks.map(({ title }, value) => make("option", { value }, title)));
  measure.append(...measures.map((name, value) => make("option", { value }, name)));
  const isShare = () => measures[measure.value].includes("accuracy");
  const written = (value) => (isShare() ? percent(value) : value.toFixed(3));

  let series = [], scale, width = 720, height = 360;
  const picture = svg("svg", { role: "img" });
  at("plot").append(picture);

  // The lowest, the mean and the highest of the seeds in an epoch; null where a run has diverged, or all have ended.
  function statistics({ seeds }, index) {
    const values = seeds.map((seed) => seed[measure.value][index]).filter((value) => value != null);
    if (values.length === 0) return null;
    return { lowest: Math.min(...values), mean: values.reduce((sum, value) => sum + value, 0) / values.length, highest: Math.max(...values) };
  }
  const length = ({ seeds }) => Math.max(...seeds.map((seed) => seed[0].length));

  function choose() {
    series = notebooks[notebook.value].series.map((own, number) => {
      const button = make("button", { type: "button" }, svg("svg", { viewBox: "0 0 28 10", "aria-hidden": true, class: style(number) },
        svg("path", { d: "M1 5H27" })), make("span", {}, own.name), make("output"));
      button.addEventListener("click", () => toggle(button, button.getAttribute("aria-pressed") !== "true"));
      button.setAttribute("aria-pressed", number < SERIES);
      return { ...own, number, button };
    });
    legend.replaceChildren(...series.map(({ button }) => make("li", {}, button)));
    drawAll();
    epoch.value = epoch.max;
    showEpoch();
  }
  const style = (number) => `series s${number % SERIES} d${Math.floor(number / SERIES) % 4}`;
  const isShown = ({ button }) => button.getAttribute("aria-pressed") === "true";
  function toggle(button, shown) {
    button.setAttribute("aria-pressed", shown);
    drawAll();
    showEpoch();
  }

  function drawAll() {
    const shown = series.filter(isShown);
    width = at("plot").clientWidth || width;
    height = Math.round(Math.min(360, 180 + width / 4));
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const epochs = Math.max(...shown.map(length), 1);
    const all = shown.flatMap((own) => Array.from({ length: length(own) }, (_, index) => statistics(own, index))).filter(Boolean);
    const [low, high] = all.length > 0 ? [Math.min(...all.map((s) => s.lowest)), Math.max(...all.map((s) => s.highest))] : [0, 1];
    const step = niceStep((high - low || 0.1) / 5), from = Math.floor(low / step) * step, to = Math.ceil(high / step + 1e-9) * step;
    scale = {
      x: (index) => LEFT + ((width - LEFT - RIGHT) * index) / Math.max(epochs - 1, 1),
      y: (value) => TOP + ((height - TOP - BOTTOM) * (to - value)) / (to - from),
      epochs,
    };
    epoch.max = epochs;
    const parts = [];
    for (let value = from; value < to + step / 2; value += step) {
      const y = scale.y(value);
      const text = isShare() ? `${+(100 * value).toFixed(1)} %` : `${+value.toFixed(4)}`;
      parts.push(svg("path", { class: "grid", d: `M${LEFT} ${y}H${width - RIGHT}` }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text));
    }
    const every = Math.max(1, Math.round(niceStep((60 * epochs) / width)));
    for (let index = 0; index < epochs; index += 1) {
      if ((index + 1) % every !== 0 && index > 0) continue;
      parts.push(svg("text", { x: scale.x(index), y: height - 8, "text-anchor": "middle" }, String(index + 1)));
    }
    const bands = shown.filter(({ seeds }) => seeds.length > 1).map(band), lines = shown.map(line);
    picture.replaceChildren(...parts, ...bands, ...lines, svg("g", { class: "cursor" }));
    picture.setAttribute("aria-label", `${measures[measure.value]} by epoch: ${shown.map(({ name }) => name).join(", ") || "no series"}`);
    at("none").hidden = shown.length > 0;
  }
  const niceStep = (least) => {
    const power = 10 ** Math.floor(Math.log10(least));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= least - 1e-12);
  };
  const points = (own, of) => Array.from({ length: length(own) }, (_, index) => [index, statistics(own, index)])
    .filter(([, found]) => found).map(([index, found]) => `${scale.x(index).toFixed(1)} ${scale.y(found[of]).toFixed(1)}`);
  const band = (own) => svg("path", { class: `band ${style(own.number)}`, d: `M${[...points(own, "highest"), ...points(own, "lowest").reverse()].join("L")}Z` });
  function line(own) {
    const all = points(own, "mean");
    // A run of one epoch is a point.
    const d = all.length === 1 ? `M${all[0]}h.1` : `M${all.join("L")}`;
    return svg("path", { class: `${style(own.number)}${all.length === 1 ? " point" : ""}`, d: all.length > 0 ? d : "" });
  }

  // The values of an epoch, in the legend and as dots on the curves.
  function showEpoch() {
    const index = Math.min(Number(epoch.value), scale.epochs) - 1, x = scale.x(index);
    const cursor = picture.querySelector(".cursor");
    cursor.replaceChildren(svg("path", { d: `M${x} ${TOP}V${height - BOTTOM}` }));
    at("at").textContent = `epoch ${index + 1}`;
    for (const own of series) {
      const found = isShown(own) ? statistics(own, index) : null, output = own.button.querySelector("output");
      own.button.dataset.mean = found ? found.mean : "";
      const range = found && own.seeds.length > 1 ? ` (${written(found.lowest)} to ${written(found.highest)}, ${own.seeds.length} seeds)` : "";
      output.textContent = found ? `${written(found.mean)}${range}` : "";
      if (found) cursor.append(svg("circle", { class: style(own.number), cx: x, cy: scale.y(found.mean), r: 4 }));
    }
  }
  function point({ clientX }) {
    const x = clientX - picture.getBoundingClientRect().left;
    epoch.value = Math.round(((x - LEFT) / (width - LEFT - RIGHT)) * (scale.epochs - 1)) + 1;
    showEpoch();
  }
  picture.addEventListener("pointermove", point);
  picture.addEventListener("pointerdown", point);
  epoch.addEventListener("input", showEpoch);
  notebook.addEventListener("change", choose);
  measure.addEventListener("change", () => {
    drawAll();
    showEpoch();
  });
  for (const [name, shown] of [["all", true], ["hide", false]]) {
    at(name).addEventListener("click", () => {
      series.forEach(({ button }) => button.setAttribute("aria-pressed", shown));
      drawAll();
      showEpoch();
    });
  }
  at("state").hidden = true;
  at("part").hidden = false;
  // Where runs were repeated there is most to see.
  const repeated = ({ series }) => series.filter(({ seeds }) => seeds.length > 1).length;
  notebook.value = notebooks.indexOf(notebooks.reduce((most, next) => (repeated(next) > repeated(most) ? next : most)));
  choose();
  new ResizeObserver(() => {
    if (at("plot").clientWidth === width) return;
    drawAll();
    showEpoch();
  }).observe(at("plot"));
}
