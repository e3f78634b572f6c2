// For pages without modules: <script src="gamut-img.classic.js" defer></script> registers <gamut-img>. MIT licence.
import(new URL("gamut-img.js", document.currentScript.src).href);
