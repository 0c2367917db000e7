/**
 * What the page of the reference does where scripts run: shows what has every word that is searched, opens the list of
 * routes on wide screens, unfolds what a link points to. Without it the page is whole.
 */
export const SEARCH = `
const box = document.getElementById("search");
const found = document.getElementById("found");
const sections = [...document.querySelectorAll("section")].map((section) => ({
  section,
  link: document.querySelector('nav a[href="#' + section.id + '"]')?.parentElement,
  text: section.textContent.toLowerCase(),
}));
const headings = [...document.querySelectorAll("main > h2")];
function search() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const { section, link, text } of sections) {
    const fits = words.every((word) => text.includes(word));
    section.hidden = !fits;
    if (link) link.hidden = !fits;
    if (fits) count += 1;
  }
  for (const heading of headings) {
    let next = heading.nextElementSibling;
    let any = false;
    for (; next && next.tagName === "SECTION"; next = next.nextElementSibling) any ||= !next.hidden;
    heading.hidden = !any;
  }
  found.textContent = words.length === 0 ? "" : count === 0 ? "Nothing has these words." : count + (count === 1 ? " entry" : " entries");
}
document.getElementById("searching").hidden = false;
document.getElementById("routes").open = matchMedia("(min-width: 60.01rem)").matches;
box.addEventListener("input", search);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== box) {
    event.preventDefault();
    box.focus();
  } else if (event.key === "Escape" && document.activeElement === box) {
    box.value = "";
    search();
  }
});
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.closest("[hidden]")) {
    box.value = "";
    search();
    target.scrollIntoView();
  }
});
`;
