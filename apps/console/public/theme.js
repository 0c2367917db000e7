// Before the first paint, so that nothing flashes. src/shell/theme.ts goes on from here.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("agent-runtime.theme");
  } catch {
    // Without storage the machine's theme is shown.
  }
  const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
})();
