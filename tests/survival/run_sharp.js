// node run_sharp.js IN OUT EXPRESSION: the expression says what is done to `image`.
const sharp = require("sharp");

const [, , source, target, expression] = process.argv;
if (source === "--version") {
  console.log(sharp.versions.sharp);
} else {
  const edited = new Function("image", `return ${expression}`)(sharp(source));
  edited.toFile(target).catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}
