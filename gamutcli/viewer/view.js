// The page of `gamut view`: plain and restored pictures side by side, from files that the page holds or that are dropped on it.

const text = (id) => document.getElementById(id).textContent;
// A classic script from a blob: of pages that are files, no worker runs a module.
await new Promise((resolve) => {
  const source = URL.createObjectURL(new Blob([text("gamut.js")], { type: "text/javascript" }));
  document.head.append(Object.assign(document.createElement("script"), { src: source, onload: resolve }));
});
const { render } = globalThis.gamut;

const fromBase64 = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
const TYPES = { png: "image/png", webp: "image/webp" };
const PIXELS = {
  ok: "unchanged since they were reduced",
  recompressed: "compressed again or scaled: colours come back less exactly",
  changed: "edited since they were reduced: the colours are a guess",
  unchecked: "cannot be checked in this browser",
};

const wide = matchMedia("(color-gamut: p3)");
function tellScreen() {
  document.querySelector(".screen").textContent = wide.matches
    ? "This screen shows Display P3: restored colours are beyond what sRGB holds."
    : "As far as this browser tells, this screen shows sRGB only: plain and restored look nearly alike on it. The marks tell where a wide-gamut screen would show more.";
}
wide.addEventListener("change", tellScreen);
tellScreen();

function describe(article, { width, height, payload, status, path }) {
  const facts = {
    Size: `${width} × ${height}`,
    Intent: payload.intent ? "perceptual: colours were moved inwards" : "relative: colours were clipped",
    Network: payload.depth ? `${payload.depth} hidden layers of ${payload.hidden}` : "none",
    Payload: `${payload.size.toLocaleString("en")} bytes, ${payload.carrier}`,
    Pixels: PIXELS[status],
    "Restored by": path === "webgl2" ? "WebGL2" : "JavaScript",
  };
  article.querySelector(".facts").replaceChildren(...Object.entries(facts).map(([term, fact]) => {
    const entry = document.createElement("div");
    entry.append(Object.assign(document.createElement("dt"), { textContent: term }), Object.assign(document.createElement("dd"), { textContent: fact }));
    return entry;
  }));
}

/** Say what is being done, or was; screen readers hear it. */
function tell(article, words, busy = false) {
  article.setAttribute("aria-busy", busy);
  article.querySelector(".doing").textContent = words;
}

function note(article, words) {
  Object.assign(article.querySelector(".note"), { hidden: false, textContent: words });
}

/** Stripes where the mask is opaque, so wide that they are seen at the size the picture is shown in. */
async function drawMarks(canvas, bytes, options) {
  await render(canvas, bytes, { ...options, mark: true, check: false, maxPixels: 2e6 });
  const context = canvas.getContext("2d"), step = Math.max(8, canvas.width / 110);
  context.resetTransform();
  context.globalCompositeOperation = "source-in";
  for (const [color, share] of [["#000c", 0.32], ["#fffc", 0.16]]) {
    const sheet = new OffscreenCanvas(canvas.width, canvas.height), pen = sheet.getContext("2d");
    Object.assign(pen, { strokeStyle: color, lineWidth: step * share });
    for (let x = -canvas.height; x < canvas.width; x += step) {
      pen.moveTo(x, 0);
      pen.lineTo(x + canvas.height, canvas.height);
    }
    pen.stroke();
    context.drawImage(sheet, 0, 0);
    context.globalCompositeOperation = "source-atop";
  }
}

async function show({ name, bytes, sidecar, words }) {
  const article = document.getElementById("picture").content.cloneNode(true).firstElementChild;
  const part = (selector) => article.querySelector(selector);
  document.querySelector(".pictures").append(article);
  part(".name").textContent = name;
  const image = part(".plain"), frame = part(".frame"), stage = part(".stage"), slide = part(".slide");
  frame.classList.add("unrestored");
  image.alt = name;
  image.src = URL.createObjectURL(new Blob([bytes], { type: TYPES[name.split(".").pop().toLowerCase()] ?? "image/jpeg" }));
  if (words) note(article, words);
  const options = sidecar ? { sidecar } : {};
  tell(article, "Restoring its colours …", true);
  try {
    await image.decode();
    frame.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
    frame.style.setProperty("--across", `${image.naturalWidth}px`);
    let told;
    try {
      told = await render(part(".restored"), bytes, options);
    } catch (error) {
      if (error.code !== "changed") throw error;
      options.force = true;
      told = await render(part(".restored"), bytes, options);
    }
    describe(article, told);
    if (told.status === "changed") note(article, `${name} was edited after it was reduced: the restored colours are a guess.`);
    if (told.space !== "display-p3") note(article, "This browser draws no Display P3: restored colours are cut to sRGB here.");
    frame.classList.remove("unrestored");
  } catch (error) {
    note(article, `${name}: ${error.message}.`);
  }
  tell(article, "");
  const move = () => {
    stage.style.setProperty("--at", `${slide.value}%`);
    slide.setAttribute("aria-valuetext", `plain up to ${slide.value} %, then restored`);
  };
  slide.addEventListener("input", move);
  move();
  part(".zoom").addEventListener("change", ({ target }) => frame.classList.toggle("zoomed", target.checked));
  const mark = part(".mark"), beyond = part(".beyond");
  let drawn = null;
  mark.addEventListener("change", async () => {
    beyond.hidden = true;
    tell(article, mark.checked ? "Looking for colours beyond sRGB …" : "", mark.checked);
    try {
      await (drawn ??= drawMarks(beyond, bytes, options));
    } catch (error) {
      note(article, `${name}: ${error.message}.`);
      drawn = null;
      mark.checked = false;
    }
    beyond.hidden = !mark.checked;
    tell(article, mark.checked ? "Striped: beyond sRGB." : "");
  });
  article.dataset.done = "";
}

/** Pictures among files; a sidecar belongs to the picture of its name. */
async function add(files) {
  const read = async (file) => new Uint8Array(await file.arrayBuffer());
  const sidecars = new Map(files.filter((file) => file.name.endsWith(".gamut")).map((file) => [file.name, file]));
  for (const file of files) {
    if (file.name.endsWith(".gamut")) continue;
    const beside = sidecars.get(`${file.name}.gamut`);
    await show({ name: file.name, bytes: await read(file), sidecar: beside && (await read(beside)) });
  }
}

const drop = document.querySelector(".drop"), chooser = drop.querySelector("input");
chooser.addEventListener("change", () => add([...chooser.files]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") add([...event.dataTransfer.files]);
  });
}

for (const { name, data, sidecar, words } of JSON.parse(text("files"))) {
  await show({ name, bytes: fromBase64(data), sidecar: sidecar && fromBase64(sidecar), words });
}
document.body.dataset.done = "";
