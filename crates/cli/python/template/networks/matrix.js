// The confusion matrix of all test images, whose cells show some of theirs, and the mistakes in order.
const AT_FIRST = 24;

// `choose(number, words)` is called with the test image that the reader wants to try.
function showMatrix(page, sheet, choose) {
  const { album, classes } = page, labels = album.test;
  const [select, order, table] = ["network", "order", "table"].map((name) => document.getElementById(`matrix-${name}`));
  const [sentence, gallery, more] = ["sentence", "gallery", "more"].map((name) => document.getElementById(`matrix-${name}`));
  select.append(...page.networks.map(({ name }, value) => make("option", { value }, name)));

  const heading = (name, scope) => make("th", { scope }, make("span", {}, name));
  table.append(make("thead", {}, make("tr", {}, make("td"), ...classes.map((name) => heading(name, "col")))));
  const cells = classes.map((_, label) => classes.map((_, answer) => {
    const button = make("button", { type: "button", tabIndex: label + answer === 0 ? 0 : -1 });
    button.addEventListener("click", () => open(label, answer));
    return button;
  }));
  const rows = cells.map((buttons, label) => make("tr", {}, heading(classes[label], "row"), ...buttons.map((button) => make("td", {}, button))));
  table.append(make("tbody", {}, ...rows));
  // One stop of the Tab key; the arrow keys move within.
  table.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const label = cells.findIndex((buttons) => buttons.includes(event.target));
    if (!way || label < 0) return;
    event.preventDefault();
    const next = cells[label + way[0]]?.[cells[label].indexOf(event.target) + way[1]];
    if (!next) return;
    next.focus();
  });
  table.addEventListener("focusin", ({ target }) => cells.flat().forEach((button) => (button.tabIndex = button === target ? 0 : -1)));

  // What is shown: the mistakes, or a cell; and how many of its images.
  let cell = null, count = AT_FIRST;
  const open = (label, answer) => {
    cell = cell?.label === label && cell.answer === answer ? null : { label, answer };
    showImages();
  };
  const own = () => album.networks[Number(select.value)];

  function showNumbers() {
    const { matrix } = own(), most = Math.max(...matrix.flatMap((row, label) => row.filter((_, answer) => answer !== label)), 1);
    matrix.forEach((row, label) => row.forEach((images, answer) => {
      const button = cells[label][answer], right = label === answer, whole = right ? row.reduce((sum, n) => sum + n, 0) : most;
      button.textContent = images;
      button.className = right ? "right" : "wrong";
      button.style.setProperty("--share", images / Math.max(whole, 1));
      const what = right ? `${classes[label]}, recognized` : `${classes[label]} taken for ${classes[answer]}`;
      button.setAttribute("aria-label", `${what}: ${images} images`);
    }));
  }

  const orders = {
    most: (a, b) => b.permille - a.permille,
    least: (a, b) => a.permille - b.permille,
    class: (a, b) => a.label - b.label || b.permille - a.permille,
  };
  function showImages(whole = AT_FIRST) {
    count = whole;
    const { answers, permille, matrix } = own();
    const all = labels.map((label, number) => ({ number, label, answer: answers[number], permille: permille[number] }));
    const isWanted = cell ? (image) => image.label === cell.label && image.answer === cell.answer : (image) => image.label !== image.answer;
    const images = all.filter(isWanted).sort(orders[order.value]);
    cells.forEach((buttons, label) => buttons.forEach((button, answer) =>
      button.setAttribute("aria-pressed", cell?.label === label && cell?.answer === answer)));
    const mistakes = matrix.flat().reduce((sum, n) => sum + n, 0) - matrix.reduce((sum, row, label) => sum + row[label], 0);
    const what = cell ? `${classes[cell.label]} ${cell.label === cell.answer ? "recognized" : `taken for ${classes[cell.answer]}`}` : "mistakes";
    const total = cell ? matrix[cell.label][cell.answer] : mistakes;
    sentence.textContent = `${what[0].toUpperCase()}${what.slice(1)}: ${total.toLocaleString("en")} of ${album.of.toLocaleString("en")} test images; `
      + (images.length < total ? `${images.length} are in this page.` : "all are in this page.");
    gallery.replaceChildren(...images.slice(0, count).map(figure));
    more.hidden = images.length <= count;
  }
  function figure({ number, label, answer, permille }) {
    const words = label === answer ? classes[label] : `${classes[label]} as ${classes[answer]}`;
    const sure = `${(permille / 10).toFixed(1)} %`;
    const text = [make("b", {}, classes[answer]), ` ${sure} `, ...(label === answer ? [] : [make("small", {}, `is ${classes[label]}`)])];
    const button = make("button", { type: "button", title: `${words}: try it` }, sheet.picture(number), make("span", {}, ...text));
    button.dataset.number = number;
    button.addEventListener("click", () => choose(number, `A test image of the class ${classes[label]} (a compressed copy)`));
    return make("li", {}, button);
  }
  order.addEventListener("change", () => showImages());
  more.addEventListener("click", () => showImages(count + 2 * AT_FIRST));
  select.addEventListener("change", () => {
    showNumbers();
    showImages();
  });
  showNumbers();
  showImages();
}
