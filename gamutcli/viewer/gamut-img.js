/**
 * gamut-img.js: <gamut-img><img src="photo.jpg" alt="..."></gamut-img> shows the restored picture where that can be seen, and
 * leaves the plain <img> alone everywhere else. MIT licence.
 *
 * Attributes: `sidecar` (the address of a .gamut file; empty: that of the picture with .gamut behind), `path` ("webgl2" or "js"
 * instead of the better one), `state` ("plain" or "restored", set here) and `why` (a word, set here). Events: "restored", "plain"
 * and "error", which do not bubble.
 */

import { GamutError, render } from "./gamut.js";

const STYLE = `
  :host { display: inline-block; position: relative; max-width: 100%; line-height: 0; }
  canvas { position: absolute; pointer-events: none; display: none; }
  :host([state="restored"]) canvas { display: block; }
`;
const wide = matchMedia("(color-gamut: p3)");

/** Pictures one after another: they share a GPU, and a page may hold many. */
let last = Promise.resolve();
const inTurn = (task) => (last = last.then(task, task));

/** Bytes of a file that the browser has in its cache: "force-cache" asks for it no second time. */
async function load(address) {
  const answer = await fetch(address, { cache: "force-cache" }).catch(() => null);
  if (!answer?.ok) throw new GamutError("cors", `${address} cannot be read by a script`);
  return new Uint8Array(await answer.arrayBuffer());
}

class GamutImage extends HTMLElement {
  #canvas = document.createElement("canvas");
  #shown = ""; // the address that is on the canvas, or that failed
  #run = 0;
  #image = null;
  #near = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#update(), { rootMargin: "50%" });
  #sizes = new ResizeObserver(() => this.#lay());
  #changes = new MutationObserver(() => this.connectedCallback());
  #onLoad = () => this.#update();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE); // a strict policy allows no style element
    root.adoptedStyleSheets = [sheet];
    this.#canvas.setAttribute("aria-hidden", "true"); // the <img> below it keeps its alt text
    root.append(document.createElement("slot"), this.#canvas);
  }

  connectedCallback() {
    this.disconnectedCallback();
    this.#image = this.querySelector("img");
    this.#changes.observe(this, { childList: true, subtree: true });
    wide.addEventListener("change", this.#onLoad);
    if (!this.#image) return;
    this.#image.addEventListener("load", this.#onLoad);
    this.#near.observe(this.#image);
    this.#sizes.observe(this.#image);
  }

  disconnectedCallback() {
    for (const observer of [this.#near, this.#sizes, this.#changes]) observer.disconnect();
    this.#image?.removeEventListener("load", this.#onLoad);
    wide.removeEventListener("change", this.#onLoad);
    this.#run++;
  }

  #tell(state, why, event = state, detail = { why }) {
    if (this.getAttribute("state") === state && this.getAttribute("why") === why) return;
    this.setAttribute("state", state);
    this.setAttribute("why", why);
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }

  #update() {
    const image = this.#image;
    if (!wide.matches) return this.#tell("plain", "screen");
    if (!image?.complete || !image.naturalWidth) return undefined; // its load event comes
    const address = image.currentSrc;
    if (address === this.#shown) return this.#canvas.width ? this.#lay() || this.#tell("restored", "") : undefined;
    this.#shown = address;
    const run = ++this.#run;
    return inTurn(() => (run === this.#run ? this.#restore(address, run) : undefined));
  }

  async #restore(address, run) {
    try {
      // Of another host, only what the <img> itself has asked for with CORS may be read: no need to ask and be refused.
      if (new URL(address).origin !== origin && !/^(blob|data):/.test(address) && this.#image.crossOrigin === null) {
        throw new GamutError("cors", `${address} is of another host, and has no crossorigin attribute`);
      }
      const sidecar = this.getAttribute("sidecar");
      const told = await render(this.#canvas, await load(address), {
        sidecar: sidecar === null ? undefined : await load(new URL(sidecar || `${address}.gamut`, document.baseURI)),
        path: this.getAttribute("path") ?? "auto",
        maxPixels: this.#pixels(),
      });
      if (run !== this.#run) return;
      if (told.space !== "display-p3") throw new GamutError("browser", "this browser draws no Display P3");
      this.#lay();
      this.#tell("restored", "", "restored", told);
    } catch (error) {
      if (run !== this.#run) return;
      this.#canvas.width = 0;
      const why = error instanceof GamutError ? error.code : "error";
      this.#tell("plain", why, ["no-payload", "cors", "browser", "noise"].includes(why) ? "plain" : "error", { why, error });
    }
  }

  /** Twice as many pixels as the picture takes on the screen: room for growing a little. */
  #pixels() {
    const { width, height } = this.#image.getBoundingClientRect();
    return Math.max(65536, 2 * width * height * devicePixelRatio ** 2);
  }

  /** Put the canvas right over the picture, with its fit and its corners. */
  #lay() {
    const image = this.#image, style = getComputedStyle(image), canvas = this.#canvas;
    if (!canvas.width || !image.offsetWidth) return;
    const edge = (side) => parseFloat(style[`border${side}Width`]) + parseFloat(style[`padding${side}`]);
    Object.assign(canvas.style, {
      left: `${image.offsetLeft + edge("Left")}px`,
      top: `${image.offsetTop + edge("Top")}px`,
      width: `${image.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)}px`,
      height: `${image.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)}px`,
      objectFit: style.objectFit,
      objectPosition: style.objectPosition,
      borderRadius: style.borderRadius,
    });
  }
}

if (!customElements.get("gamut-img")) customElements.define("gamut-img", GamutImage);
export { GamutImage };
