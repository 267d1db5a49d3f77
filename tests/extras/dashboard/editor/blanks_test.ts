import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blankSecrets, restoreSecrets } from "../../../../src/extras/dashboard/editor/blanks.ts";

const TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAwMQ.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789";
const FILE = `{
  // old token: ${TOKEN}
  "channels": { "discord": { "token": "${TOKEN}", "historyLimit": 20 } },
  "models": { "providers": { "mine": {
    "kind": "anthropic", "apiKey": "sk-\\u0061-0123456789abcdef", "headers": { "x-key": "letters" }
  } } }, /* ${"k3y".repeat(9)} */
  "http": { "token": "\${HTTP_TOKEN}" }
}
`;

describe("[O6] blanks of an editor", () => {
  it("hides each secret, also in comments, and keeps references", () => {
    const { text, isRestorable } = blankSecrets(FILE);
    assert.equal(isRestorable, true);
    for (const part of [TOKEN, "0123456789abcdef", "letters", "k3yk3y"]) {
      assert.ok(!text.includes(part), part);
    }
    assert.match(text, /\$\{HTTP_TOKEN\}/);
    assert.equal(text.length, FILE.length);
  });

  it("puts back the secrets of an edited text, with its own line ends", () => {
    const { text } = blankSecrets(FILE);
    assert.deepEqual(restoreSecrets(text, FILE, "c"), { kind: "restored", text: FILE });
    const edited = text.replace("20", "30").replaceAll("\n", "\r\n");
    assert.deepEqual(restoreSecrets(edited, FILE, "c"), {
      kind: "restored",
      text: FILE.replace("20", "30"),
    });
    const windows = FILE.replaceAll("\n", "\r\n");
    const shown = blankSecrets(windows).text.replaceAll("\r\n", "\n");
    assert.deepEqual(restoreSecrets(shown, windows, "c"), { kind: "restored", text: windows });
  });

  it("takes a new secret in place of a blank", () => {
    const { text } = blankSecrets(FILE);
    const edited = text.replace(/"apiKey": "\*+"/, '"apiKey": "sk-new"');
    const restored = restoreSecrets(edited, FILE, "c");
    assert.equal(restored.kind, "restored");
    assert.match(restored.kind === "restored" ? restored.text : "", /"apiKey": "sk-new"/);
  });

  const moved: Readonly<Record<string, (text: string) => string>> = {
    "another provider": (text) => text.replace('"mine"', '"other"'),
    "another key": (text) => text.replace('"apiKey"', '"sessionHeader"').replace('"x-key"', '"y"'),
    "another section": (text) =>
      text.replace('"${HTTP_TOKEN}"', /"token": ("\*+")/.exec(text)?.[1] ?? ""),
    "fewer stars": (text) => text.replace(/\*"/, '"'),
    "more stars": (text) => text.replace(/\*"/, '**"'),
  };
  for (const [what, change] of Object.entries(moved)) {
    it(`puts no secret at ${what}`, () => {
      const restored = restoreSecrets(change(blankSecrets(FILE).text), FILE, "config.jsonc");
      assert.equal(restored.kind, "refused");
      const problems = restored.kind === "refused" ? restored.problems : [];
      assert.equal(
        problems[0]?.message,
        "This secret is blank, and the file has no such secret here",
      );
      assert.equal(problems[0]?.file, "config.jsonc");
      assert.ok(!JSON.stringify(problems).includes("abcdef"));
    });
  }

  it("gives an edited comment no secret", () => {
    const { text } = blankSecrets(FILE);
    const restored = restoreSecrets(text.replace("// old", "// older"), FILE, "c");
    assert.equal(restored.kind, "restored");
    assert.ok(!JSON.stringify(restored).includes(`older token: ${TOKEN}`));
  });

  it("cannot restore a file with a syntax error that has a secret", () => {
    const broken = `{ "channels": { "discord": { "token": "${TOKEN}", } `;
    const { text, isRestorable } = blankSecrets(broken);
    assert.equal(isRestorable, false);
    assert.ok(!text.includes("MTQw"));
    assert.deepEqual(blankSecrets("{ nonsense"), { text: "{ nonsense", isRestorable: true });
  });
});
