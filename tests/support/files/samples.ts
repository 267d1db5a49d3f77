/** Files as people send them, made by the tests themselves. */

import { strToU8, zipSync } from "fflate";

export type Bytes = Uint8Array<ArrayBuffer>;

/** A PDF with one line of text on each page. */
export function pdf(pages: readonly string[]): Bytes {
  const objects = new Map<number, string>([
    [1, "<< /Type /Catalog /Pages 2 0 R >>"],
    [3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"],
  ]);
  const kids = pages.map((text, index) => {
    const content = 4 + index * 2;
    const drawn = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`;
    objects.set(content, `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`);
    objects.set(
      content + 1,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${content} 0 R ` +
        "/Resources << /Font << /F1 3 0 R >> >> >>",
    );
    return `${content + 1} 0 R`;
  });
  objects.set(2, `<< /Type /Pages /Kids [${kids.join(" ")}] /Count ${kids.length} >>`);
  const parts = ["%PDF-1.4\n"];
  let length = parts[0]?.length ?? 0;
  const offsets: number[] = [];
  for (let number = 1; number <= objects.size; number++) {
    offsets.push(length);
    const part = `${number} 0 obj\n${objects.get(number)}\nendobj\n`;
    parts.push(part);
    length += part.length;
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  parts.push(
    `xref\n0 ${objects.size + 1}\n0000000000 65535 f \n${rows.join("")}`,
    `trailer\n<< /Size ${objects.size + 1} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`,
  );
  return new Uint8Array(strToU8(parts.join(""), true));
}

/** An archive of texts. */
export function zip(parts: Readonly<Record<string, string | Uint8Array>>): Bytes {
  const entries = Object.entries(parts)
    .map(([name, part]) => [name, typeof part === "string" ? strToU8(part) : part]);
  return new Uint8Array(zipSync(Object.fromEntries(entries)));
}

export function docx(paragraphs: readonly string[]): Bytes {
  const body = paragraphs.map((text) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`).join("");
  return zip({
    "[Content_Types].xml": "<Types/>",
    "word/document.xml": `<w:document xmlns:w="urn:w"><w:body>${body}</w:body></w:document>`,
  });
}

/** The first bytes of a PNG that claims a size, and has no pixels. */
export function png(width: number, height: number, ...chunks: readonly string[]): Bytes {
  const bytes = new Uint8Array(8 + 25 + chunks.length * 12 + 12);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  let at = 8;
  const chunk = (name: string, size: number) => {
    view.setUint32(at, size);
    bytes.set(strToU8(name), at + 4);
    at += 12 + size;
  };
  chunk("IHDR", 13);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 6], 24);
  for (const name of chunks) chunk(name, 0);
  chunk("IEND", 0);
  return bytes;
}

export function wav(seconds: number): Bytes {
  const rate = 8_000;
  const samples = seconds * rate;
  const bytes = new Uint8Array(44 + samples);
  const view = new DataView(bytes.buffer);
  bytes.set(strToU8("RIFF"), 0);
  view.setUint32(4, 36 + samples, true);
  bytes.set(strToU8("WAVEfmt "), 8);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  bytes.set(strToU8("data"), 36);
  view.setUint32(40, samples, true);
  bytes.fill(128, 44);
  return bytes;
}

/** Silent Opus in Ogg, as a voice message is. */
export { silentRecording as oggOpus } from "./recording.ts";
