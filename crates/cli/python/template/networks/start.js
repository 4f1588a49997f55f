// Starts the parts, each where the page has what it shows; megabytes are unpacked once the reader comes near.
async function start(page) {
  const ask = await library(await inflate(page.module));
  for (const network of page.networks) ask(await unpack(network.weights), "load");
  const { show, watch } = tryPictures(page, ask, await unpack(page.images));
  part("state").hidden = true;
  document.getElementById("try").hidden = false;
  if (!page.album) return;
  const [train, test] = await Promise.all([page.album.trainSheet, page.album.testSheet].map((text) => unpackSheet(text, page.album.across)));
  showNearest(page, ask, train, watch);
  showMatrix(page, test, (number, words) => {
    show(test.pixels(number), words);
    part("verdict").focus();
    document.getElementById("try").scrollIntoView();
  });
  for (const name of ["state", "part"]) document.getElementById(`matrix-${name}`).hidden = name === "state";
}

{
  const page = JSON.parse(document.getElementById("networks").textContent);
  const states = [part("state"), document.getElementById("matrix-state")].filter((state) => state !== null);
  const say = (text) => states.forEach((state) => (state.textContent = text));
  say("The networks are being unpacked.");
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    const sorry = (error) => say(`This browser cannot compute with the networks (${error.message}). One of the last three years can.`);
    start(page).catch(sorry);
  }, { rootMargin: "600px" });
  states.forEach((state) => near.observe(state));
  if (page.curves) showCurves(page.curves);
}
