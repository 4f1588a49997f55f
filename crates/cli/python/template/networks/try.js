// Pictures to try, and a table of what the networks say of them.
const LARGEST = 2048;

// Gives `show(pixels, words)`, and `watch(task)`: the task gets the pixels of each picture that is shown.
function tryPictures(page, ask, images) {
  const size = 3 * SIDE * SIDE;
  const tasks = [];
  let pixels = images.subarray(0, size), said = "", asked = 0;

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
    for (const task of tasks) task(pixels);
  }
  function explain(column, name, best) {
    mapRow.hidden = part("map-note").hidden = !wanted.checked;
    if (!wanted.checked) return;
    const number = Number(chosen.value), of = number < 0 ? best : number;
    drawHeat(maps[column], ask(pixels, "saliency", column, of));
    maps[column].setAttribute("aria-label", `What ${name}’s output for ${page.classes[of]} depends on`);
  }
  function showAs(next, words, button) {
    asked += 1;
    buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
    show(next, (said = words));
  }
  for (const control of [wanted, chosen]) control.addEventListener("change", () => show(pixels, said));

  // Test images.
  const buttons = page.labels.map((label, number) => {
    const canvas = canvasOf(SIDE), own = images.subarray(number * size, (number + 1) * size);
    draw(canvas, own);
    const button = make("button", { type: "button", title: page.classes[label] }, canvas);
    button.setAttribute("aria-label", `Test image ${number + 1}: ${page.classes[label]}`);
    button.addEventListener("click", () => {
      showAs(own, `A test image of the class ${page.classes[label]}`, button);
    });
    return button;
  });
  part("samples").append(...buttons);

  // Pictures from elsewhere: the last one asked for is shown, however long an earlier one takes.
  async function read(file) {
    const turn = (asked += 1);
    try {
      const bitmap = await createImageBitmap(file);
      if (turn !== asked) return;
      showAs(shrink(bitmap, bitmap.width, bitmap.height), `Your picture${file.name ? ` ${file.name}` : ""}`);
      bitmap.close();
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
  drawPictures(() => (asked += 1), (paper) => showAs(shrink(paper, paper.width, paper.height), "Your drawing"));
  buttons[0].click();
  const watch = (task) => {
    tasks.push(task);
    task(pixels);
  };
  return { show: showAs, watch };
}
