// Preloaded into a server: its clock is wrong by CLOCK_SKEW_MS milliseconds.
const skew = Number(process.env.CLOCK_SKEW_MS ?? 0);
const Real = globalThis.Date;

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + skew);
    else super(...given);
  }

  static now() {
    return Real.now() + skew;
  }
};
