"use strict";
for (const stage of document.querySelectorAll(".stage")) {
  const slide = stage.querySelector(".slide");
  const move = () => {
    stage.style.setProperty("--at", slide.value + "%");
    slide.setAttribute("aria-valuetext", "plain up to " + slide.value + " %, then restored");
  };
  slide.addEventListener("input", move);
  move();
  const mark = stage.parentElement.querySelector(".mark");
  mark.addEventListener("change", () => stage.classList.toggle("marked", mark.checked));
}
