// What forms do for whoever fills them in, on every page of ours; each works without it too.

// Files that are too large, too large together or too many are said at their field before anything is sent, so that
// nothing typed is lost.
const size = (bytes) => (bytes >= 2 ** 20 ? `${Math.floor(bytes / 2 ** 20)} MB` : `${Math.floor(bytes / 2 ** 10)} KB`);
const wrong_files = (field, told) => {
  const files = [...field.files];
  const most = Number(field.dataset.most || told.most);
  const together = Number(field.dataset.mostTogether || told.most);
  const many = Number(field.dataset.mostFiles || Infinity);
  if (files.length > many) return told.tooMany.replace("{most}", many);
  if (files.some((one) => one.size > most)) return told.large.replace("{most}", size(most));
  if (files.reduce((sum, one) => sum + one.size, 0) > together) return told.largeTogether.replace("{most}", size(together));
  return "";
};
const check_files = (field) => {
  const id = `${field.id}-large`;
  const wrong = wrong_files(field, document.getElementById("announcements").dataset);
  document.getElementById(id)?.remove();
  field.toggleAttribute("aria-invalid", false);
  if (!wrong) return false;
  field.after(Object.assign(document.createElement("p"), { id, className: "error", textContent: wrong }));
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", id);
  return true;
};
document.addEventListener("change", (event) => { if (event.target.matches("input[type=file]")) check_files(event.target); });
document.addEventListener("submit", (event) => {
  const wrong = [...event.target.querySelectorAll("input[type=file]")].filter(check_files);
  if (!wrong.length) return;
  event.preventDefault();
  wrong[0].focus();
});

// One press sends a form once. Going back in the browser, stopping, or a minute without an answer lets it be sent again.
const PATIENCE = 60_000, WONDER = 2_000; // milliseconds
const root = document.documentElement;
let waits = [];
const busy = (button) => {
  root.classList.add("busy"); // a line above the page, by the style sheet
  button?.setAttribute("aria-busy", "true");
  const told = document.getElementById("announcements");
  waits = [...waits, setTimeout(() => (told.textContent = told.dataset.wait), WONDER), setTimeout(rest, PATIENCE)];
};
const rest = () => {
  root.classList.remove("busy");
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
  for (const wait of waits.splice(0)) clearTimeout(wait);
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.method === "post" && form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  busy(event.submitter);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const leaves = link && !link.target && !link.hasAttribute("download") && !/^(#|mailto:|tel:)/.test(link.getAttribute("href"));
  if (leaves && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey) busy();
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") rest(); });
window.addEventListener("pageshow", rest);

// Who sent a form that was refused begins at the first field that is wrong.
document.addEventListener("DOMContentLoaded", () => document.querySelector('main [aria-invalid="true"]')?.focus());

// Whose session had ended when they sent a form, or whom a page of ours told that something failed, find in it again
// what they had typed, once they have signed in or gone back. It is kept in this tab alone and only until the next page.
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
  if (document.querySelector("form[data-signs-in], [data-keeps-typed]")) return sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, anew: true }));
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
  const notice = Object.assign(document.createElement("p"), { className: "alert note", textContent: told.dataset.again });
  form.before(notice);
  told.textContent = told.dataset.again;
  notice.scrollIntoView({ block: "center" });
});
