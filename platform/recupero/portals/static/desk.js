// The desk: shortcuts, running clocks, agreements that follow the sliders, and what became of the link. Everything
// works without it, by its buttons.
const OFF = "recupero-single-keys-off";

// Single keys, unless somebody types or has turned them off.
const typing = (target) => target.matches("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
const off = () => localStorage.getItem(OFF) === "yes";
document.addEventListener("keydown", (event) => {
  const finish = document.querySelector("form[data-finish]");
  if (event.key === "Enter" && event.ctrlKey && finish) {
    event.preventDefault();
    finish.requestSubmit(finish.querySelector("[value=next]"));
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || off() || typing(event.target)) return;
  const there = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!there || there.disabled) return;
  event.preventDefault();
  if (!there.matches("select")) there.click();
  there.focus();
});
for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = !off();
  box.addEventListener("change", () => localStorage.setItem(OFF, box.checked ? "no" : "yes"));
}

// Clocks go on from what the server said.
const began = performance.now();
setInterval(() => {
  for (const clock of document.querySelectorAll("[data-seconds]")) {
    const seconds = Number(clock.dataset.seconds) + Math.floor((performance.now() - began) / 1000);
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}, 1000);

// An agreement is worked out anew whenever something of it changes; the last question asked is the one answered.
for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting, asked = 0;
  const place = document.getElementById(form.dataset.shows);
  const show = async () => {
    const mine = ++asked;
    const answer = await fetch(`${form.dataset.live}?${new URLSearchParams(new FormData(form))}`, { headers: { Accept: "application/json" } });
    if (!answer.headers.get("Content-Type")?.startsWith("application/json")) return location.reload();
    const found = await answer.json();
    if (mine === asked) place.innerHTML = found.html;
  };
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(show, 200); };
  form.addEventListener("input", (event) => {
    const slider = event.target.dataset.slides ? event.target : null;
    if (slider) document.getElementById(slider.dataset.slides).value = slider.value;
    else form.querySelector(`[data-slides="${event.target.id}"]`)?.setAttribute("value", event.target.value);
    soon();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  form.closest("details")?.addEventListener("toggle", (event) => { if (event.target.open && !place.childElementCount) show(); });
}

// What became of the link: looked at every few seconds while something may still come of it.
const link = document.querySelector("[data-poll]");
if (link) {
  const look = async () => {
    const answer = await fetch(link.dataset.poll, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const found = await answer.json();
    link.innerHTML = found.html;
    if (found.under_way) setTimeout(look, 5000);
  };
  setTimeout(look, 2000);
}
