// Notebook 2: the size of a signal in ten layers, and of a gradient, by activation and initial weights.
figures.layers = (root, ask) => {
  const LAYERS = 10, BINS = 31;
  const part = controls(root), [signal, gradient] = root.querySelectorAll("figure");
  let seed = 0;

  // How often values fall into each of some bins from −reach to reach.
  function histogram(values, reach) {
    const bins = new Array(BINS).fill(0);
    for (const value of values) {
      const bin = Math.floor(((value / reach + 1) / 2) * BINS);
      if (bin >= 0 && bin < BINS) bins[bin] += 1;
    }
    return bins;
  }

  // The distribution in each layer, upright, as wide as there are values; all on one scale.
  function drawViolins(picture, sizes, layers) {
    const { width, height } = roomFor(picture), across = (width - LEFT - RIGHT) / LAYERS, tall = height - 20;
    const largest = Math.max(...sizes), reach = largest > 0 ? 3 * largest : 1;
    const axes = svg("g", { class: "axes" });
    for (const value of [-0.8 * reach, 0, 0.8 * reach]) {
      const y = 10 + ((1 - value / reach) / 2) * tall;
      axes.append(svg("path", { d: `M${LEFT} ${y}H${width - RIGHT}` }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, written(value, 2)));
    }
    picture.replaceChildren(axes);
    layers.forEach((values, layer) => {
      const bins = histogram(values, reach), middle = LEFT + (layer + 0.5) * across;
      // ReLU leaves many zeros: their bin must not make all others narrow.
      const most = Math.max(...bins.filter((_, bin) => bin !== (BINS - 1) / 2), 1);
      const points = bins.map((count, bin) => [0.46 * across * Math.min(1, count / most), 10 + (1 - (bin + 0.5) / BINS) * tall]);
      const side = (sign) => points.map(([half, y]) => `${(middle + sign * half).toFixed(1)},${y.toFixed(1)}`);
      picture.append(svg("polygon", { class: "violin", points: [...side(-1), ...side(1).reverse()].join(" ") }));
    });
  }

  function drawSizes(picture, sizes, name) {
    const drawn = sizes.filter((size) => size > 0 && Number.isFinite(size)).map(Math.log10);
    const [low, high] = drawn.length > 0 ? [Math.floor(Math.min(...drawn)), Math.ceil(Math.max(...drawn))] : [-1, 1];
    const ticks = decades(low, Math.max(high, low + 2)), numbers = sizes.map((_, layer) => layer + 1);
    const { at, line } = chart(picture, { x: [0.5, LAYERS + 0.5], xTicks: numbers, xName: "layer", y: [10 ** low, 10 ** Math.max(high, low + 2)], yTicks: ticks, yName: "RMS", log: true });
    line(sizes, 1, "series-0");
    sizes.forEach((size, layer) => {
      if (size > 0 && Number.isFinite(size)) picture.append(svg("circle", { class: "dot series-0", cx: at.x(layer + 1), cy: at.y(size), r: 3 }));
    });
    picture.setAttribute("aria-label", `${name} of the layers 1 to 10: ${sizes.map((size) => written(size, 2)).join(", ")}`);
    Object.assign(picture.dataset, { sizes: JSON.stringify(sizes), seed });
  }

  function show() {
    const scale = 10 ** (Number(part.scale.value) / 66);
    say(part.scale, scale.toFixed(2));
    const floats = ask("layers", part.activation.selectedIndex, part.initial.selectedIndex, scale, seed);
    const values = floats.subarray(2 * LAYERS), each = values.length / 2 / LAYERS;
    const layers = Array.from({ length: 2 * LAYERS }, (_, at) => values.subarray(at * each, (at + 1) * each));
    const sizes = [[...floats.subarray(0, LAYERS)], [...floats.subarray(LAYERS, 2 * LAYERS)]];
    const words = ["RMS of the activations", "RMS of the gradient"];
    [signal, gradient].forEach((figure, kind) => {
      const [violins, rms] = figure.querySelectorAll("svg");
      drawViolins(violins, sizes[kind], layers.slice(kind * LAYERS, (kind + 1) * LAYERS));
      violins.setAttribute("aria-label", `Distribution in each of ten layers, ${kind === 0 ? "activations" : "gradients"}`);
      drawSizes(rms, sizes[kind], words[kind]);
    });
    const [forward, back] = [sizes[0][LAYERS - 1] / sizes[0][0], sizes[1][0] / sizes[1][LAYERS - 1]];
    const left = (share) => (Number.isFinite(share) ? `${written(share, 2)} of its size, a factor of ${written(share ** (1 / (LAYERS - 1)), 2)} in each` : "nothing to compare");
    root.querySelector(".verdict").textContent = `Nine layers further the signal has ${left(forward)}; nine layers back the gradient has ${left(back)}.`;
  }

  for (const control of [part.activation, part.initial]) control.addEventListener("change", show);
  part.scale.addEventListener("input", soon(show));
  part.again.addEventListener("click", () => {
    seed += 1;
    show();
  });
  show();
};
