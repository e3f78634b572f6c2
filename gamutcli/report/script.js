"use strict";
const wide = matchMedia("(color-gamut: p3)");
for (const stage of document.querySelectorAll(".stage")) {
  const slide = stage.querySelector(".slide");
  const move = () => {
    stage.style.setProperty("--at", slide.value + "%");
    slide.setAttribute("aria-valuetext", "plain up to " + slide.value + " %, then restored");
  };
  slide.addEventListener("input", move);
  move();
  const mark = stage.parentElement.querySelector(".mark");
  const show = () => stage.classList.toggle("marked", mark.checked);
  // Where the screen shows little, what it lacks is marked from the start.
  const choose = () => { mark.checked = !wide.matches; show(); };
  mark.addEventListener("change", show);
  wide.addEventListener("change", choose);
  choose();
}
