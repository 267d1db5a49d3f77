/**
 * Tests files that want to fill the bot's memory. Each is made here, by code.
 *
 * The bot refuses them in words and answers. Its memory grows by 64 MiB at most, compared with the
 * memory after the first ordinary document, whose library and thread cost some, too.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";
import { it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";
import { type Bytes, docx, pdf, png, zip } from "../../support/files/samples.ts";
import { listening } from "../../support/network/listening.ts";

const MIB = 1024 * 1024;

/** MiB of growth of the binary. The source on Deno is not measured: V8 ends a thread much later. */
const LIMIT_MIB = 64;

/** An mp3 of one frame, whose header claims ten hours. */
function tenHours(): Bytes {
  const bytes = new Uint8Array(2_000);
  bytes.set([0xff, 0xfb, 0x90, 0x64]); // MPEG 1, layer III, 128 kbit/s, 44.1 kHz
  bytes.set(new TextEncoder().encode("Xing"), 36);
  const view = new DataView(bytes.buffer);
  view.setUint32(40, 3); // it has a number of frames, and of bytes
  view.setUint32(44, Math.ceil(36_000 * 44_100 / 1_152));
  view.setUint32(48, 36_000 * 16_000);
  for (let at = 417; at + 4 < bytes.length; at += 417) bytes.set([0xff, 0xfb, 0x90, 0x64], at);
  return bytes;
}

/** The part of each kind of office file that has its text, and the parts before it. */
const PARTS = {
  docx: { name: "word/document.xml", others: {} },
  xlsx: {
    name: "xl/worksheets/sheet1.xml",
    others: {
      "xl/workbook.xml": '<workbook><sheets><sheet name="a" r:id="rId1"/></sheets></workbook>',
      "xl/_rels/workbook.xml.rels":
        '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
    },
  },
  pptx: { name: "ppt/slides/slide1.xml", others: { "ppt/presentation.xml": "<p/>" } },
} as const;

/** An archive of some kilobytes with 128 MiB in its text. */
function bomb(kind: keyof typeof PARTS): Bytes {
  const { name, others } = PARTS[kind];
  return zip({ ...others, [name]: new Uint8Array(128 * MIB).fill(0x20) });
}

interface Bomb {
  readonly filename: string;
  readonly make: () => Bytes;
  /** Announced size; the true one if absent. */
  readonly sizeBytes?: number;
  readonly contentType?: string;
  /** The fact about the file in the prompt. */
  readonly fact: RegExp;
}

/** The limit of memory may come first. */
const REFUSED =
  /\[file 1, of the message: not read: reading it takes (?:too much memory|over 5 s)\]/;
const ZIP_BOMB = new RegExp(
  `${REFUSED.source}|not read: the archive is far larger than the file says: a zip bomb`,
);

const BOMBS: readonly Bomb[] = [
  {
    filename: "pages.pdf",
    make: () => pdf(Array.from({ length: 10_000 }, (_, index) => `page ${index + 1}`)),
    fact: new RegExp(`${REFUSED.source}|PDF, pages 1 to 20 of 10000`),
  },
  {
    filename: "large.pdf", // 6.6 MB
    make: () => pdf(Array.from({ length: 25 }, () => "krill ".repeat(44_000))),
    fact: new RegExp(`${REFUSED.source}|PDF, pages 1 to 20 of 25`),
  },
  { filename: "bomb.docx", make: () => bomb("docx"), fact: ZIP_BOMB },
  // One reader unpacks all kinds (documents_test.ts), and making each bomb takes seconds.
  ...(IS_LONG ? (["xlsx", "pptx"] as const) : []).map((kind) => ({
    filename: `bomb.${kind}`,
    make: () => bomb(kind),
    fact: ZIP_BOMB,
  })),
  {
    filename: "wide.png",
    make: () => png(65_535, 65_535),
    fact: /not read: the image has 4295 megapixels, and the limit is 50/,
  },
  {
    filename: "small.txt",
    make: () => new Uint8Array(20 * MIB).fill(0x61),
    sizeBytes: 100,
    fact: /not read: larger than 1 MB/,
  },
  {
    filename: "long.mp3",
    make: tenHours,
    contentType: "audio/mpeg",
    fact: new RegExp(`${REFUSED.source}|not read: it is 600 minutes long, and the limit is 10`),
  },
];

const prompt = ({ model }: Scene): string =>
  model.requests.at(-1)?.messages.findLast(({ role }) => role === "user")?.text ?? "";

/** Memory of a process in MiB: now, or the most since {@link resetPeak}. */
const mibOf = (pid: number, key: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status(pid))?.[1] ?? 0) / 1_024;
const status = (pid: number) => readFileSync(`/proc/${pid}/status`, "utf8");
const resetPeak = (pid: number) => writeFileSync(`/proc/${pid}/clear_refs`, "5");

it("[SEC-R25] files that want to fill the memory › are refused in words, and cost 64 MiB at most", async () => {
  let heard = 0;
  const server = createServer((request, response) => {
    heard += 1;
    request.resume().on("end", () => response.end(JSON.stringify({ text: "hello" })));
  });
  const port = await listening(server);
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const config = {
    audio: { transcribe: "speech/ear" },
    models: { providers: { speech: { kind: "openai-compatible", baseUrl } } },
  };
  try {
    await withSimulation({ config }, async (scene) => {
      const { start, mention, eventually, rows, simulator } = scene;
      const { pid = 0 } = await start();
      const tooMuch: string[] = [];
      const send = async (
        one: Pick<Bomb, "filename" | "sizeBytes" | "contentType">,
        bytes: Bytes,
      ) => {
        const { filename, sizeBytes = bytes.length, contentType } = one;
        const { id } = simulator.say({
          as: "grace",
          in: "general",
          text: `${mention} read this`,
          attachments: [{ filename, bytes, sizeBytes, ...(contentType && { contentType }) }],
        });
        const over = `SELECT 1 FROM inbox WHERE message_id = '${id}' AND finished_at IS NOT NULL`;
        await eventually(
          `the answer about ${filename}`,
          () => Promise.resolve(rows(over).length > 0),
        );
      };
      await send({ filename: "fine.docx" }, docx(["fine"]));
      await send({ filename: "fine.pdf" }, pdf(["fine"]));
      assert.match(prompt(scene), /fine/);
      const isMeasured = process.env["BARNACLE_BIN"] !== undefined &&
        existsSync(`/proc/${pid}/clear_refs`);
      // A quiet bot gives pages of the program back, and any work brings them in again.
      const atWork = isMeasured ? mibOf(pid, "VmRSS") : 0;
      for (const one of BOMBS) {
        const bytes = one.make();
        const before = isMeasured ? Math.max(atWork, mibOf(pid, "VmRSS")) : 0;
        if (isMeasured) resetPeak(pid);
        await send(one, bytes);
        assert.match(prompt(scene), one.fact, one.filename);
        assert.ok(prompt(scene).length < 250_000, `${one.filename} fills the prompt`);
        const grown = isMeasured ? mibOf(pid, "VmHWM") - before : 0;
        if (grown > LIMIT_MIB) tooMuch.push(`${one.filename}: ${grown.toFixed(1)} MiB`);
      }
      assert.deepEqual(tooMuch, []);
      assert.equal(heard, 0); // nothing was transcribed
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
