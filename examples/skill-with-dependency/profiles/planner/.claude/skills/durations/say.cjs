const ms = require("ms");

const [what = ""] = process.argv.slice(2);
console.log(Number.isNaN(Number(what)) ? ms(what) : ms(Number(what), { long: true }));
