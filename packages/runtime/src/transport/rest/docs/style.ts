/** The look of the page of the reference: one text, of which the page's policy knows the hash. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d5dae0; --fill: #f5f6f8; --link: #0a53c4; --mark: #fff2b3; --get: #0b6b3a; --write: #8a4b00; --gone: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --text: #e7eaee; --soft: #a6afb9; --line: #30363d; --fill: #1d2126; --link: #8db7ff; --mark: #4a3f00; --get: #6fd39b; --write: #f0b35e; --gone: #ff9a91; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--bg); color: var(--text); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
code, pre, .path { font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; font-size: 0.875em; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--bg); padding: 0.5rem; z-index: 1; }
.page { display: grid; grid-template-columns: 18rem minmax(0, 1fr); max-width: 84rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav h2 { font-size: 0.75rem; text-transform: uppercase; letter-spacing: 0.06em; color: var(--soft); margin: 1.25rem 0 0.25rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: 0.5rem; padding: 0.2rem 0.25rem; color: var(--text); text-decoration: none; font-size: 0.8125rem; line-height: 1.35; border-radius: 4px; }
nav li a:hover { background: var(--fill); }
nav .method { flex: 0 0 3rem; font-size: 0.6875rem; line-height: 1.6; }
nav summary { font-weight: 600; }
main { padding: 1.5rem 2rem 6rem; }
h1 { margin: 0 0 0.25rem; font-size: 1.6rem; }
main > h2 { margin: 3rem 0 0; padding-bottom: 0.25rem; font-size: 1.25rem; border-bottom: 1px solid var(--line); }
section { padding: 1.25rem 0; border-bottom: 1px solid var(--line); }
section h3 { margin: 0; font-size: 1rem; display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: baseline; }
section h3 .path { font-weight: 600; font-size: 0.95rem; overflow-wrap: anywhere; }
section h3 .anchor { text-decoration: none; color: var(--soft); }
section h4 { margin: 1rem 0 0.25rem; font-size: 0.8125rem; color: var(--soft); font-weight: 600; }
section:target { box-shadow: inset 3px 0 0 var(--link); padding-left: 1rem; }
.method { font: 600 0.75rem/1.6 ui-monospace, Menlo, Consolas, monospace; color: var(--write); }
.method.get { color: var(--get); }
.method.delete { color: var(--gone); }
.summary { margin: 0.25rem 0 0; }
.two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 2rem; }
.fields { list-style: none; margin: 0.25rem 0; padding: 0 0 0 0.75rem; border-left: 2px solid var(--line); }
.fields li { padding: 0.15rem 0; }
.name { font-weight: 600; }
.type { color: var(--soft); font-size: 0.875rem; }
.optional, .bounds { color: var(--soft); font-size: 0.8125rem; margin-left: 0.4rem; }
.note { margin: 0; color: var(--soft); font-size: 0.875rem; }
details { margin: 0.1rem 0; }
summary { cursor: pointer; color: var(--link); font-size: 0.8125rem; width: fit-content; }
pre { margin: 0; padding: 0.75rem; background: var(--fill); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; line-height: 1.45; }
.codes { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; margin: 0; padding: 0; list-style: none; font-size: 0.875rem; }
td code { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th, td { text-align: left; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
input { width: 100%; padding: 0.45rem 0.6rem; font: inherit; font-size: 0.875rem; color: var(--text); background: var(--bg); border: 1px solid var(--soft); border-radius: 6px; }
.found { margin: 0.25rem 0 0; min-height: 1.2em; font-size: 0.8125rem; color: var(--soft); }
[hidden] { display: none !important; }
@media (max-width: 60rem) {
  .page, .two { grid-template-columns: minmax(0, 1fr); }
  nav { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem; }
  main { padding: 1rem 1rem 4rem; }
}
@media print { nav { display: none; } .page { display: block; } }
`;
