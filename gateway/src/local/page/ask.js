import { make } from "./elements.js";
import { t } from "./format.js";

const dialog = document.getElementById("ask");
const form = dialog.querySelector("form");
const title = document.getElementById("ask-title");
const what = document.getElementById("ask-what");
const fields = document.getElementById("ask-fields");
const problem = document.getElementById("ask-problem");
const cancel = document.getElementById("ask-cancel");
const confirm = document.getElementById("ask-confirm");

let current;
let afterwards = () => Promise.resolve();

function input(field) {
  if (field.kind === "choice") {
    const select = make("select", "");
    for (const [value, text] of field.options) {
      const option = make("option", "", text);
      option.value = value;
      select.append(option);
    }
    select.value = field.value ?? field.options[0]?.[0] ?? "";
    return select;
  }
  const element = make(field.kind === "long" ? "textarea" : "input", "");
  if (field.kind === "yes-no") element.type = "checkbox";
  else {
    element.maxLength = field.max ?? 500;
    element.value = field.value ?? "";
  }
  if (field.kind === "long") element.rows = 2;
  return element;
}

function row(field) {
  const element = input(field);
  element.id = `ask-${field.name}`;
  element.required = field.required === true;
  if (field.name === "name") element.autocomplete = "name";
  const label = make("label", field.kind === "yes-no" ? "check" : "", make("span", "", field.label), element);
  return label;
}

/** The name is asked everywhere and remembered on this device. */
const nameField = (required) => ({
  name: "name",
  label: required ? t.yourNameNeeded : t.yourName,
  max: 60,
  required,
  value: localStorage.getItem("name") ?? "",
});

function valuesOf() {
  return Object.fromEntries(
    current.fields.map((field) => {
      const element = document.getElementById(`ask-${field.name}`);
      return [field.name, field.kind === "yes-no" ? element.checked : element.value.trim()];
    }),
  );
}

/**
 * Opens the dialog: what it is about, what to fill in, and where it goes. `bodyOf` makes the request of what was filled in;
 * `extra` is shown below the fields and made anew with every key.
 */
export function ask({ heading, about, fields: own, needsName = true, button, address, bodyOf, extra }) {
  // Without an address there is nothing to send: then it only shows.
  current = { fields: address === undefined ? [] : [nameField(needsName), ...own], address, bodyOf, extra };
  title.textContent = heading;
  what.replaceChildren(...[about].flat());
  fields.replaceChildren(...current.fields.map(row));
  const below = make("div", "");
  if (extra !== undefined) {
    below.append(extra(valuesOf()));
    fields.append(below);
    fields.oninput = () => below.replaceChildren(extra(valuesOf()));
  } else fields.oninput = null;
  problem.hidden = true;
  confirm.textContent = button ?? heading;
  confirm.hidden = address === undefined;
  cancel.textContent = address === undefined ? t.close : t.cancel;
  confirm.disabled = false;
  if (!dialog.open) dialog.showModal();
}

async function send() {
  const { address, bodyOf } = current;
  const values = valuesOf();
  localStorage.setItem("name", values.name);
  confirm.disabled = true;
  let said = t.failed;
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(bodyOf(values)),
    });
    const { outcome, code, message } = await answer.json();
    said = answer.ok ? undefined : (t.outcomes[outcome ?? code] ?? t.failed);
    if (said !== undefined && outcome === "invalid" && message) said = `${said}: ${message}`;
  } catch {
    said = t.failed;
  }
  confirm.disabled = false;
  problem.hidden = said === undefined;
  problem.textContent = said ?? "";
  if (said === undefined) dialog.close();
  await afterwards();
}

/** `refresh` is called after each attempt. */
export function prepareDialog(refresh) {
  afterwards = refresh;
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (current.address !== undefined) void send();
  });
}
