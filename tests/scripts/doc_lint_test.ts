import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { docFindings } from "../../scripts/doc_lint.ts";
import { skipUnless } from "../support/skip.ts";

const SCRIPTS = join(import.meta.dirname!, "..", "..", "scripts");

const MISSING = finding("missing-jsdoc]: exported symbol is missing JSDoc documentation", "a/x.ts");
const OUTPUT = `${MISSING}
${finding("private-type-ref]: public type 'F' references private type 'Hidden'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type 'ZodType'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type '$ZodIssue'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type 'Node'", "a/x.ts")}
${finding("private-type-ref]: public type 'createF' references private type 'Hidden'", "a/x.ts")}
${finding("missing-jsdoc]: exported symbol is missing JSDoc documentation", "ab/x.ts")}
error: Found 7 documentation lint errors.
`;

function finding(text: string, file: string): string {
  return `error[${text}\n  --> /here/src/${file}:2:12\n   | \n 2 | export const a = 1;\n`;
}

describe("docFindings()", () => {
  it("keeps the findings of the folders, except those about packages' types and functions' own", () => {
    const sources = [{ text: 'import { type Node } from "x";\ninterface Hidden {}' }];
    const findings = docFindings(OUTPUT, "/here", ["src/a"], sources);
    assert.deepEqual(findings.map(({ path }) => path), ["src/a/x.ts", "src/a/x.ts"]);
    assert.equal(findings[0]?.text, MISSING.trimEnd());
    assert.match(findings[1]?.text ?? "", /'Hidden'/);
  });

  it("lets a zod schema infer its types", () => {
    const inferred = finding("missing-explicit-type]: x", "a/x.ts").replace("= 1", "= z.string()");
    assert.deepEqual(docFindings(inferred, "/here", ["src/a"], []), []);
  });

  it("lets the config's schema infer types, but not its docs", () => {
    const path = "config/schema/x.ts";
    const output = ["missing-explicit-type]: x", "missing-return-type]: x", "missing-jsdoc]: x"]
      .map((text) => finding(text, path)).join("\n");
    const findings = docFindings(output, "/here", ["src/config"], []);
    assert.deepEqual(findings.map(({ text }) => text.split("]")[0]), ["error[missing-jsdoc"]);
  });
});

const isDeno = "Deno" in globalThis;

describe("doc_lint", skipUnless(isDeno, "doc_lint: Bun has no deno doc"), () => {
  const cases = [
    { name: "passes a documented export", doc: "/** One. */\n", status: 0, prints: /^$/ },
    { name: "fails for an export without doc", doc: "", status: 1, prints: /missing-jsdoc/ },
  ];
  for (const { name, doc, status, prints } of cases) {
    it(name, () => {
      const root = mkdtempSync(join(tmpdir(), "doc-lint-"));
      try {
        for (const path of ["src/lib/one.ts", "src/lib/two.ts", "simulator/one.ts"]) {
          mkdirSync(join(root, dirname(path)), { recursive: true });
          const ownDoc = path === "src/lib/two.ts"
            ? doc
            : path.startsWith("src/")
            ? "/** One. */\n"
            : "";
          writeFileSync(join(root, path), `${ownDoc}export const one: number = 1;\n`);
        }
        const script = join(SCRIPTS, "doc_lint.ts");
        const ended = spawnSync(process.execPath, ["run", "-A", "--quiet", script, root], {
          encoding: "utf8",
        });
        assert.match(ended.stderr, prints);
        assert.equal(ended.status, status);
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    });
  }
});
