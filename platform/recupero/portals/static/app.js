// The little script that the console's pages use, beside forms.js; each works without it too.
document.documentElement.classList.add("js");

document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-toggle]");
  if (toggle) {
    const open = document.getElementById(toggle.dataset.toggle).classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const done = () => { document.getElementById("announcements").textContent = copy.dataset.copied; copy.textContent = copy.dataset.copied; };
    navigator.clipboard?.writeText(copy.dataset.copy).then(done);
  }
});

// A table that is wider than its place can be reached, and scrolled, by keyboard.
const reach = new ResizeObserver((sized) => {
  for (const { target } of sized) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
  }
});
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".table-wrap, .chart-room")) reach.observe(place);
});

// A filter that is chosen from a list applies at once; the button stays for those without script.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// A key leads to the field that names it (the search of the whole house: "/"), unless something is being typed.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
