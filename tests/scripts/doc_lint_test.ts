import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { docFindings, withoutModuleDoc } from "../../scripts/doc_lint.ts";
import { skipUnless } from "../support/skip.ts";

const SCRIPTS = join(import.meta.dirname!, "..", "..", "scripts");

const MISSING = finding("missing-jsdoc]: exported symbol is missing JSDoc documentation", "a/x.ts")
  .replace("export const a = 1;", "  limit: number;");
const OUTPUT = `${MISSING}
${finding("private-type-ref]: public type 'F' references private type 'Hidden'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type 'ZodType'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type '$ZodIssue'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type 'Node'", "a/x.ts")}
${finding("private-type-ref]: public type 'createF' references private type 'Hidden'", "a/x.ts")}
${finding("private-type-ref]: public type 'F' references private type 'TABLE'", "a/x.ts")}
${finding("missing-jsdoc]: exported symbol is missing JSDoc documentation", "ab/x.ts")}
error: Found 8 documentation lint errors.
`;

function finding(text: string, file: string): string {
  return `error[${text}\n  --> /here/src/${file}:2:12\n   | \n 2 | export const a = 1;\n`;
}

describe("withoutModuleDoc()", () => {
  it("finds modules of the folders that do not open with their purpose", () => {
    const good = "/** Does it. */\n\nexport {};\n";
    const sources = [
      { path: "src/good.ts", text: good },
      { path: "src/long.ts", text: "/**\n * Does it.\n *\n * @see docs\n */\n\nexport {};\n" },
      { path: "src/run.ts", text: `#!/usr/bin/env node\n${good}` },
      { path: "src/late.ts", text: `import "./good.ts";\n${good}` },
      { path: "src/export.ts", text: "/** A. */\nexport const a = 1;\n" + good },
      { path: "src/empty.ts", text: "/**\n * @see docs\n */\n\nexport {};\n" },
      { path: "src/types.d.ts", text: "" },
      { path: "simulator/none.ts", text: "" },
    ];
    assert.deepEqual(withoutModuleDoc(sources, ["src"]).map(({ path }) => path), [
      "src/late.ts",
      "src/export.ts",
      "src/empty.ts",
    ]);
  });
});

describe("docFindings()", () => {
  it("keeps the findings of the folders, except those about packages' types and functions' own", () => {
    const sources = [{
      path: "",
      text: 'import { type Node } from "x";\ninterface Hidden {}\nconst TABLE = {};',
    }];
    const findings = docFindings(OUTPUT, "/here", ["src/a"], sources);
    assert.deepEqual(findings.map(({ path }) => path), ["src/a/x.ts", "src/a/x.ts"]);
    assert.equal(findings[0]?.text, MISSING.trimEnd());
    assert.match(findings[1]?.text ?? "", /'Hidden'/);
  });

  it("lets a zod schema infer its types", () => {
    const inferred = finding("missing-explicit-type]: x", "a/x.ts").replace("= 1", "= z.string()");
    assert.deepEqual(docFindings(inferred, "/here", ["src/a"], []), []);
  });

  const members = [
    { line: "  readonly kind: ModelErrorKind;", isLeftOut: true },
    { line: "  readonly store: {", isLeftOut: true },
    { line: "  readonly transport:", isLeftOut: true },
    { line: "  readonly waitMs: number;", isLeftOut: true },
    {
      line: "  readonly isOwner: (message: InboundMessage | undefined) => boolean;",
      isLeftOut: true,
    },
    { line: "  readonly at: number;", isLeftOut: true },
    { line: '  override readonly name = "OneError";', isLeftOut: true },
    { line: "  constructor(message: string) {", isLeftOut: true },
    { line: "  readonly limit: number;", isLeftOut: false },
    { line: "  readonly topic?: string;", isLeftOut: false },
    { line: "  readonly self: Self | undefined;", isLeftOut: false },
    { line: "  stop(): void;", isLeftOut: true },
    { line: "export const one: number = 1;", isLeftOut: true },
  ];
  for (const { line, isLeftOut } of members) {
    it(`${isLeftOut ? "lets" : "does not let"} this line go without doc: ${line.trim()}`, () => {
      const output = finding("missing-jsdoc]: x", "a/x.ts").replace("export const a = 1;", line);
      assert.equal(docFindings(output, "/here", ["src/a"], []).length, isLeftOut ? 0 : 1);
    });
  }

  it("lets a factory infer its type", () => {
    const output = finding("missing-return-type]: x", "a/x.ts");
    const line = (text: string) => output.replace("export const a = 1;", text);
    const found = (text: string) => docFindings(line(text), "/here", ["src/a"], []).length;
    assert.equal(found("export function createA(b: string) {"), 0);
    assert.equal(found("export function readA(b: string) {"), 1);
  });

  it("lets the config's schema infer types, but not its docs", () => {
    const path = "config/schema/x.ts";
    const output = ["missing-explicit-type]: x", "missing-return-type]: x", "missing-jsdoc]: x"]
      .map((text) => finding(text, path).replace("export const a = 1;", "  limit: number;"))
      .join("\n");
    const findings = docFindings(output, "/here", ["src/config"], []);
    assert.deepEqual(findings.map(({ text }) => text.split("]")[0]), ["error[missing-jsdoc"]);
  });
});

const isDeno = "Deno" in globalThis;

describe("doc_lint", skipUnless(isDeno, "doc_lint: Bun has no deno doc"), () => {
  const cases = [
    {
      name: "passes a documented export",
      doc: "/** One. */\n",
      opens: true,
      status: 0,
      prints: /^$/,
    },
    {
      name: "fails for a number without doc and unit",
      doc: "",
      opens: true,
      status: 1,
      prints: /missing-jsdoc/,
    },
    {
      name: "fails for a module without header",
      doc: "/** One. */\n",
      opens: false,
      status: 1,
      prints: /no comment about the module/,
    },
    {
      name: "fails for its one finding among megabytes of those that do not count",
      doc: "",
      opens: true,
      kind: "x".repeat(2 ** 20),
      status: 1,
      prints: /^error\[missing-jsdoc[^]*\n1 exports or modules lack documentation\n$/,
    },
  ];
  for (const { name, doc, opens, kind, status, prints } of cases) {
    it(name, () => {
      const root = mkdtempSync(join(tmpdir(), "doc-lint-"));
      try {
        for (const path of ["src/lib/one.ts", "src/lib/two.ts", "simulator/one.ts"]) {
          mkdirSync(join(root, dirname(path)), { recursive: true });
          const header = opens ? "/** Does it. */\n\n" : "";
          const before = `${header}const unit = 1;\n`; // else Deno takes the header as the export's doc
          const ownDoc = path === "src/lib/two.ts"
            ? doc
            : path.startsWith("src/")
            ? "/** One. */\n"
            : "";
          const known = kind === undefined ? "" : `  kind: "${kind}";\n`;
          const members = `${known}${ownDoc}  limit: number;`;
          writeFileSync(join(root, path), `${before}export interface One {\n${members}\n}\n`);
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
