// While the sliders move, the dates and totals of the plan follow. The button of the page does the same.
const choose = document.getElementById("choose");
const agree = document.getElementById("agree");
const dates = document.getElementById("dates");
let waiting;
let asked = 0;

function row(day, amount) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = day;
  const cell = document.createElement("td");
  cell.textContent = amount;
  line.append(head, cell);
  return line;
}

function tell(errors) {
  for (const place of choose.querySelectorAll(".error")) {
    place.textContent = errors[place.id.replace("-error", "")] ?? "";
  }
  const other = Object.entries(errors).find(([field]) => !document.getElementById(`${field}-error`));
  if (other) document.getElementById("instalments-error").textContent = other[1];
}

async function show() {
  const turn = ++asked;
  const wish = new URLSearchParams(new FormData(choose));
  const answer = await fetch(`${choose.dataset.dates}?${wish}`, { headers: { Accept: "application/json" } });
  if (turn !== asked) return; // moved on meanwhile
  if (answer.status === 401) return location.reload(); // the proof has ended: the page asks again
  const told = await answer.json();
  tell(told.errors ?? {});
  dates.hidden = !answer.ok;
  if (!answer.ok) return;
  dates.querySelector("h2").textContent = told.count;
  dates.querySelector("tbody").replaceChildren(...told.rows.map((one) => row(...one)));
  dates.querySelector("tfoot strong").textContent = told.total;
  for (const field of agree.querySelectorAll("input[type=hidden]")) {
    if (field.name !== "csrf_token") field.value = wish.get(field.name) ?? "";
  }
}

choose.addEventListener("input", () => {
  for (const shown of choose.querySelectorAll("output")) {
    const field = document.getElementById(shown.htmlFor.value);
    shown.textContent = shown.dataset.unit ? `${field.value} ${shown.dataset.unit}` : field.value;
    if (shown.dataset.unit) field.setAttribute("aria-valuetext", shown.textContent);
  }
  clearTimeout(waiting);
  waiting = setTimeout(() => show().catch(() => {}), 150);
});
