"""The style sheet of reports, for light and dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1c2024; --soft: #596069; --page: #f6f7f9; --card: #ffffff;
  --line: #d9dde3; --bar: #2f6fbf; --rare: #c2410c; --grid: #d9dde3;
  --third: #2e7d4f; --fourth: #7a4fb5;
  --error: #b42318; --warning: #8a5a00; --link: #1d5fb4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e8eb; --soft: #a3abb5; --page: #14171b; --card: #1d2126;
    --line: #353b43; --bar: #6ea8ec; --rare: #fb923c; --grid: #353b43;
    --third: #6cc796; --fourth: #b79cf0;
    --error: #ff8a80; --warning: #f2c14e; --link: #8ab8f5;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word;
}
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 0 0 .8rem; font-size: 1.3rem; }
h3 { margin: 1.6rem 0 .5rem; font-size: 1.05rem; }
header p { margin: .3rem 0; color: var(--soft); }
a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1rem 0; }
section {
  margin: 1.2rem 0; padding: 1.2rem 1.4rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .6rem;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr));
  gap: .8rem; margin: 0;
}
.tiles div { display: flex; flex-direction: column-reverse; }
.tiles dt { color: var(--soft); font-size: .9rem; }
.tiles dd { margin: 0; font-size: 1.6rem; font-weight: 650; line-height: 1.2; }
.grid {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr));
  gap: 1.6rem;
}
figure { margin: 0; min-width: 0; }
figure.whole { margin-top: 1rem; }
figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .4rem; }
figcaption strong { color: var(--text); }
svg { width: 100%; height: auto; color: var(--text); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td {
  padding: .35rem .7rem .35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line);
}
tbody th { font-weight: 550; }
.number {
  text-align: right; padding-right: 1.1rem; font-variant-numeric: tabular-nums;
}
/* Rows keep their names where a wide table is scrolled. */
.wide tbody th { position: sticky; left: 0; background: var(--card); }
code { font-size: .88em; }
td ul, td ol { margin: 0; padding-left: 1.1rem; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; margin: .4rem 0; }
pre { overflow-x: auto; font-size: .85rem; }
.error { color: var(--error); font-weight: 650; }
.warning { color: var(--warning); font-weight: 650; }
.rare strong { color: var(--rare); }
.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(15.5rem, 100%), 1fr));
  gap: .9rem; padding: 0; margin: 0; list-style: none;
}
header, .cards, td ul { overflow-wrap: anywhere; }
.cards li {
  min-width: 0; padding: .8rem; border: 1px solid var(--line); border-radius: .5rem;
}
.cards p { margin: 0; }
.cards blockquote {
  margin: .4rem 0; color: var(--text); max-height: 6.2rem; overflow-y: auto;
}
.cards audio { width: 100%; }
.cards .spectrogram {
  display: block; width: 100%; height: 7rem; margin: .4rem 0; border-radius: .3rem;
}
.numbers { color: var(--soft); font-size: .85rem; }
.number .numbers { font-size: .78rem; white-space: nowrap; }
@media print { nav, audio { display: none; } section { break-inside: avoid; } }
"""
