// A sheet of paper to draw on, with a pointer or with the keyboard.
const STEP = 8;

// `begin()` is called with each stroke, and `see(paper)` when the browser is about to paint.
function drawPictures(begin, see) {
  const paper = part("paper"), context = pen(paper), cursor = paper.nextElementSibling;
  const at = { x: paper.width / 2, y: paper.height / 2 };
  let waiting = false;
  function change() {
    begin();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      see(paper);
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
      change();
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
    change();
  });
  part("draw").addEventListener("click", ({ currentTarget }) => {
    part("pad").hidden = !part("pad").hidden;
    currentTarget.setAttribute("aria-expanded", String(!part("pad").hidden));
    if (!part("pad").hidden) change();
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
}
