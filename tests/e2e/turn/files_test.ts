/** Tests what the model gets of the files that people send. */

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { type Bytes, docx, pdf, png } from "../../support/files/samples.ts";

/** Sends files with a message to the bot. */
function send(
  { simulator, here }: Scene,
  text: string,
  files: Readonly<Record<string, Bytes>>,
  more: { readonly replyTo?: string; readonly sizeBytes?: number } = {},
) {
  const { sizeBytes, replyTo } = more;
  return simulator.say({
    as: "grace",
    in: here,
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
  const play = sharedBot({});

  it("gives the model the text of a PDF, and keeps the file privately", () =>
    play(async (scene) => {
      const { here, mention, replies, dataDir } = scene;
      const { id } = send(scene, `${mention} what does it say?`, {
        "report.pdf": pdf(["The krill harvest grew by 12 percent.", "Page two."]),
      });
      await replies(here, 1);
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
});

describe("[H7] [H8] files of a message to a bot with a limit", () => {
  const play = sharedBot({ discord: () => ({ mediaMaxMb: 1 }) });

  it("[SEC-R25] names files that it does not read, and still answers", () =>
    play(async (scene) => {
      const { here, mention, replies } = scene;
      send(scene, `${mention} look`, {
        "notes.txt": new TextEncoder().encode("low tide at nine"),
        "big.txt": new Uint8Array(1_100_000).fill(97),
        "bomb.png": png(65_535, 65_535),
        "evil.docx": docx(["the plan for spring"]),
        // "Файл не найден" in Windows-1251, and "設定ファイル" in Shift-JIS.
        "log.txt": Uint8Array.fromHex("d4e0e9eb20ede520ede0e9e4e5ed0a"),
        "settings.txt": Uint8Array.fromHex("90dd92e8837483408343838b0a"),
      });
      await replies(here, 1);
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
});
