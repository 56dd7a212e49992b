// The little script that pages use; each works without it too.
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
const reach = () => {
  for (const place of document.querySelectorAll(".table-wrap, .chart-room")) {
    if (place.scrollWidth > place.clientWidth) place.setAttribute("tabindex", "0");
  }
};
document.addEventListener("DOMContentLoaded", reach);
window.addEventListener("resize", reach);

// A filter that is chosen from a list applies at once; the button stays for those without script.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
});

// A file that is too large is said at its field before anything is sent, so that nothing typed is lost.
const told_large = (field) => {
  const told = document.getElementById("announcements");
  const most = Number(field.dataset.most || told.dataset.most);
  const large = [...field.files].some((one) => one.size > most);
  const id = `${field.id}-large`;
  document.getElementById(id)?.remove();
  field.toggleAttribute("aria-invalid", false);
  if (!large) return false;
  const size = most >= 2 ** 20 ? `${Math.floor(most / 2 ** 20)} MB` : `${Math.floor(most / 2 ** 10)} KB`;
  field.after(Object.assign(document.createElement("p"), { id, className: "error", textContent: told.dataset.large.replace("{most}", size) }));
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", id);
  return true;
};
document.addEventListener("change", (event) => { if (event.target.matches("input[type=file]")) told_large(event.target); });
document.addEventListener("submit", (event) => {
  const large = [...event.target.querySelectorAll("input[type=file]")].filter(told_large);
  if (!large.length) return;
  event.preventDefault();
  large[0].focus();
});

// What takes long says so: a line above the page, by the style sheet, until the next page is there.
const root = document.documentElement;
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const leaves = link && !link.target && !link.hasAttribute("download") && !link.getAttribute("href").startsWith("#");
  if (leaves && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey) root.classList.add("busy");
});

// One press sends a form once.
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && !event.target.hasAttribute("data-file")) root.classList.add("busy");
  if (event.target.method !== "post" || event.defaultPrevented) return;
  const sent = event.target.dataset.sent;
  if (sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  root.classList.remove("busy");
  for (const form of document.forms) delete form.dataset.sent;
});

// Who sent a form that was refused begins at the first field that is wrong.
document.addEventListener("DOMContentLoaded", () => document.querySelector('main [aria-invalid="true"]')?.focus());

// A key leads to the field that names it (the search of the whole house: "/"), unless something is being typed.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// Whose session had ended when they sent a form find in it again what they had typed, once they have signed in. It is
// kept in this tab alone and only until the next page.
const KEPT = "recupero-typed";
const unfold = (part) => { for (let fold = part.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true; };
const typed = (form) => [...form.elements].filter((one) => one.name && !["hidden", "password", "file", "submit", "button"].includes(one.type));
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-signs-in") || form.autocomplete === "off") return;
  const fields = typed(form).map((one) => [one.name, one.value, one.checked ?? null]);
  sessionStorage.setItem(KEPT, JSON.stringify({ page: location.pathname, action: form.getAttribute("action"), fields }));
});
document.addEventListener("DOMContentLoaded", () => {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  if (!kept) return;
  if (document.querySelector("form[data-signs-in]")) return sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, anew: true }));
  sessionStorage.removeItem(KEPT);
  if (!kept.anew || kept.page !== location.pathname) return;
  const form = [...document.forms].find((one) => one.method === "post" && one.getAttribute("action") === kept.action);
  if (!form || !kept.fields.some(([, value]) => value)) return;
  for (const [name, value, checked] of kept.fields) {
    const box = (one) => one.type === "checkbox" || one.type === "radio";
    for (const one of typed(form).filter((each) => each.name === name)) {
      const before = box(one) ? one.checked : one.value;
      if (!box(one)) one.value = value;
      else if (one.value === value) one.checked = checked;
      if (before !== (box(one) ? one.checked : one.value)) unfold(one);
    }
  }
  unfold(form);
  const told = document.getElementById("announcements");
  const notice = Object.assign(document.createElement("p"), { className: "alert", textContent: told.dataset.again });
  form.before(notice);
  told.textContent = told.dataset.again;
  notice.scrollIntoView({ block: "center" });
});
