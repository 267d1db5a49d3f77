/** Files for the next message: chosen or pasted, shown above the message box. */

import { byId, element } from "./dom.js";

/** Discord's limit for a message. */
const FILES_MAX = 10;

/** Bytes of all files of a message; the server takes no longer request. */
const BYTES_MAX = 8 * 1024 * 1024;

let chosen = [];

/** Sets the button up, once. */
export function startUpload(showProblem) {
  const input = byId("files");
  byId("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add([...input.files], showProblem);
    input.value = ""; // so that the same file can be chosen again
    byId("words").focus();
  });
  byId("words").addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    add(files, showProblem);
  });
}

/** Takes the files for a message; the next one has none. */
export function takeFiles() {
  const files = chosen;
  chosen = [];
  drawFiles();
  return files;
}

/** Puts files back, because their message failed. */
export function putFilesBack(files) {
  chosen = [...files, ...chosen];
  drawFiles();
}

/** Files as JSON can carry them. */
export function encodeFiles(files) {
  return Promise.all(files.map(async (file) => ({
    name: file.name,
    type: file.type,
    data: await base64Of(file),
  })));
}

function add(files, showProblem) {
  const all = [...chosen, ...files];
  const bytes = all.reduce((sum, { size }) => sum + size, 0);
  if (all.length > FILES_MAX) return showProblem(`A message has at most ${FILES_MAX} files`);
  if (bytes > BYTES_MAX) return showProblem("The files of a message have at most 8 MB here");
  chosen = all;
  showProblem("");
  drawFiles();
}

function drawFiles() {
  byId("uploads").replaceChildren(
    ...chosen.flatMap((file) => [
      element("span", {}, file.name),
      element("button", {
        type: "button",
        "aria-label": `Do not send ${file.name}`,
        onclick: () => {
          chosen = chosen.filter((one) => one !== file);
          drawFiles();
          byId("words").focus();
        },
      }, "✕"),
    ]),
  );
}

function base64Of(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^.*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
