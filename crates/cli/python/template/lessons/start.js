// Starts each figure once the reader comes near; until then, and where it cannot be, its still text stands in its place.
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    begin(target);
  }
}, { rootMargin: "800px" });
let loaded;
async function begin(root) {
  try {
    loaded ??= library();
    const ask = await loaded;
    const moving = root.querySelector(".moving");
    moving.hidden = false;
    figures[root.dataset.lesson](moving, ask);
    root.classList.add("moves");
  } catch (error) {
    root.querySelector(".moving").hidden = true;
    root.querySelector(".still").append(`This browser cannot move the figure (${error.message}). One of the last three years can.`);
  }
}
document.querySelectorAll("[data-lesson]").forEach((root) => near.observe(root));
