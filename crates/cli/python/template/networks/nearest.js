// The training images nearest to a picture, as a network's last hidden layer sees them.
const NEAREST = 6, SLICE = 32;

// Compares each picture that is shown once the reader wants it. The features of the training images are computed then, a
// slice at a time, so that the page stays awake.
function showNearest(page, ask, sheet, watch) {
  const wanted = part("nearest"), labels = page.album.train;
  const row = make("tr", { hidden: true }, make("th", { scope: "row" }, "nearest"), ...page.networks.map(() => make("td")));
  part("table").tBodies[0].prepend(row);
  wanted.closest("label").hidden = false;

  // For each network the features of all training images, one row after another, once somebody asks for them.
  const known = page.networks.map(() => null);
  const featuresOf = (column) => (known[column] ??= computed(column));
  async function computed(column) {
    const parts = [];
    for (let first = 0; first < labels.length; first += SLICE) {
      const numbers = labels.slice(first, first + SLICE).map((_, at) => first + at);
      const bytes = new Uint8Array(numbers.length * 3 * SIDE * SIDE);
      numbers.forEach((number, at) => bytes.set(sheet.pixels(number), at * 3 * SIDE * SIDE));
      parts.push(...ask(bytes, "hidden", column));
      row.cells[column + 1].textContent = `${first} of ${labels.length}`;
      await wait();
    }
    return Float32Array.from(parts);
  }

  // The numbers of the nearest images, and how far they are.
  async function nearestOf(pixels, column) {
    const features = await featuresOf(column), own = ask(pixels, "hidden", column);
    const distance = (number) => Math.hypot(...own.map((value, at) => value - features[number * own.length + at]));
    const all = labels.map((_, number) => ({ number, distance: distance(number) }));
    return all.sort((a, b) => a.distance - b.distance).slice(0, NEAREST);
  }

  let turn = 0, last;
  async function show(pixels) {
    const own = (turn += 1);
    last = pixels;
    row.hidden = part("nearest-note").hidden = !wanted.checked;
    if (!wanted.checked) return;
    for (const column of page.networks.keys()) {
      const nearest = await nearestOf(pixels, column);
      // Another picture has come meanwhile, and is compared by a call of its own.
      if (own !== turn) return;
      const pictures = nearest.map(({ number, distance }) => {
        const picture = sheet.picture(number, { role: "img", title: `${page.classes[labels[number]]}, at ${distance.toFixed(2)}` });
        picture.setAttribute("aria-label", `${page.classes[labels[number]]}, training image ${number + 1}`);
        picture.dataset.number = number;
        return picture;
      });
      row.cells[column + 1].replaceChildren(make("div", { className: "nearest" }, ...pictures));
    }
  }
  wanted.addEventListener("change", () => show(last));
  watch(show);
}
