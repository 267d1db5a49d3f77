/** Tests what the model gets of the files that people send. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { type Bytes, docx, pdf, png } from "../../support/files/samples.ts";

/** Sends files with a message to the bot. */
function send(
  { simulator }: Scene,
  text: string,
  files: Readonly<Record<string, Bytes>>,
  more: { readonly replyTo?: string; readonly sizeBytes?: number } = {},
) {
  const { sizeBytes, replyTo } = more;
  return simulator.say({
    as: "grace",
    in: "general",
    text,
    ...(replyTo !== undefined && { replyTo }),
    attachments: Object.entries(files).map(([filename, bytes]) => ({
      filename,
      bytes,
      sizeBytes: sizeBytes ?? bytes.length,
    })),
  });
}

/** The newest prompt of the model. */
function prompt({ model }: Scene): string {
  return model.requests.at(-1)?.messages.findLast(({ role }) => role === "user")?.text ?? "";
}

describe("[H7] [H8] files of a message", () => {
  it("gives the model the text of a PDF, and keeps the file privately", () =>
    withSimulation({}, async (scene) => {
      const { start, mention, replies, dataDir } = scene;
      await start();
      const { id } = send(scene, `${mention} what does it say?`, {
        "report.pdf": pdf(["The krill harvest grew by 12 percent.", "Page two."]),
      });
      await replies("general", 1);
      assert.match(prompt(scene), /\[file 1, of the message: PDF\]/);
      assert.match(
        prompt(scene),
        /<file boundary="\w+">\n\{"name":"report\.pdf"\}[^<]*The krill harvest grew by 12 percent\.[^<]*Page two/,
      );
      const folder = join(dataDir, "media", id);
      const [kept = ""] = readdirSync(folder);
      assert.match(kept, /^\d+-\d+\.pdf$/);
      assert.equal(statSync(join(folder, kept)).mode & 0o077, 0);
      assert.equal(statSync(folder).mode & 0o077, 0);
    }));

  it("[SEC-R25] names files that it does not read, and still answers", () =>
    withSimulation({ discord: () => ({ mediaMaxMb: 1 }) }, async (scene) => {
      const { start, mention, replies } = scene;
      await start();
      send(scene, `${mention} look`, {
        "notes.txt": new TextEncoder().encode("low tide at nine"),
        "big.txt": new Uint8Array(1_100_000).fill(97),
        "bomb.png": png(65_535, 65_535),
        "evil.docx": docx(["the plan for spring"]),
        // "Файл не найден" in Windows-1251, and "設定ファイル" in Shift-JIS.
        "log.txt": Uint8Array.fromHex("d4e0e9eb20ede520ede0e9e4e5ed0a"),
        "settings.txt": Uint8Array.fromHex("90dd92e8837483408343838b0a"),
      });
      await replies("general", 1);
      const text = prompt(scene);
      assert.match(text, /\{"name":"log.txt"\}\nФайл не найден/);
      assert.match(text, /\{"name":"settings.txt"\}\n設定ファイル/);
      assert.match(
        text,
        /of the message: text file\]\n<file[^>]*>\n\{"name":"notes.txt"\}\nlow tide/,
      );
      assert.match(text, /not read: 1\.1 MB, and the limit is 1 MB\]\n<file[^>]*>\n\{"name":"big/);
      assert.match(text, /not read: the image has 4295 megapixels, and the limit is 50\]/);
      assert.match(text, /the plan for spring/);
    }));

  it("[SEC-R25] stops reading a file that is larger than Discord said", () =>
    withSimulation({ discord: () => ({ mediaMaxMb: 1 }) }, async (scene) => {
      const { start, mention, replies } = scene;
      await start();
      const files = { "small.txt": new Uint8Array(3_000_000).fill(97) };
      send(scene, `${mention} look`, files, { sizeBytes: 10 });
      await replies("general", 1);
      assert.match(prompt(scene), /not read: larger than 1 MB\]/);
    }));

  it("reads the files of the message that is replied to", () =>
    withSimulation({}, async (scene) => {
      const { start, mention, replies, say } = scene;
      await start();
      const asked = send(scene, "the minutes", { "minutes.docx": docx(["We meet on Friday."]) });
      say("ada", "general", `${mention} sum it up`, asked.id);
      await replies("general", 1);
      assert.match(prompt(scene), /of the quoted message: document\][\s\S]*We meet on Friday/);
    }));

  it("[T6] lets a script compute an attached table, and reads no file of other messages", () =>
    withSimulation({}, async (scene) => {
      const { start, mention, replies } = scene;
      await start();
      const call = (name: string) => {
        const source = `files["${name}"].trim().split("\\n").slice(1)` +
          `.reduce((sum, line) => sum + Number(line.split(",")[1]), 0)`;
        return `call: code ${JSON.stringify({ source, files: [name] })}`;
      };
      const bytes = new TextEncoder().encode("month,krill\nMay,40\nJune,2\n");
      send(scene, `${mention}\n${call("sales.csv")}`, { "sales.csv": bytes });
      assert.match((await replies("general", 1))[0] ?? "", /Result: 42/);
      send(scene, `${mention}\n${call("sales.csv")}`, {});
      assert.match(
        (await replies("general", 2))[1] ?? "",
        /the message has no attachment "sales\.csv"/,
      );
    }));

  it("keeps no files of messages that it does not answer", () =>
    withSimulation({}, async (scene) => {
      const { start, mention, replies, say, dataDir } = scene;
      await start();
      send(scene, "not for you", { "notes.txt": new TextEncoder().encode("secret") });
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.equal(existsSync(join(dataDir, "media")), false);
    }));
});
