import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type PlatformResult,
  platformTable,
  readResults,
  resultsOf,
  withPlatforms,
  withResults,
} from "../../../scripts/release/platforms.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const at = { commit: "a3c2948e0123", date: "2026-11-23" };
const built: PlatformResult = { platform: "linux-x64", ran: "built", bytes: 138_600_001, ...at };
const whole: PlatformResult = {
  ...{ platform: "linux-x64", ran: "whole", on: "Debian 12", ...at },
  ...{ passed: 310, of: 310, skipped: 4 },
};
const scenes: PlatformResult = {
  ...{ platform: "windows-x64", ran: "scenes", on: "Wine 8", ...at },
  ...{ passed: 25, of: 27, skipped: 0, note: "no SIGKILL" },
};

const row = (results: readonly PlatformResult[], name: string) =>
  platformTable(results).find((line) => line.startsWith(`| ${name} |`))?.slice(2, -2).split(" | ");

describe("platformTable()", () => {
  it("says what the best run of each platform was, and the size of the build, rounded up", () => {
    const smoke = { ...whole, ran: "smoke", passed: 4, of: 4 } as const;
    const results = [built, smoke, whole, scenes];
    assert.deepEqual(row(results, "Linux x64"), [
      "Linux x64",
      "tested as a whole",
      "310 of 310 tests, 4 skipped on Debian 12 (2026-11-23, a3c2948e)",
      "138.7 MB",
    ]);
    assert.deepEqual(row(results, "Windows x64")?.slice(1, 3), [
      "demo scenes, with failures",
      "25 of 27 scenes on Wine 8 (2026-11-23, a3c2948e): no SIGKILL",
    ]);
    assert.deepEqual(row(results, "macOS x64"), ["macOS x64", "not run", "not run", ""]);
    assert.deepEqual(row([built], "Linux x64")?.slice(1, 3), ["built only", "not run"]);
    assert.equal(row([{ ...whole, ran: "smoke" }], "Linux x64")?.[1], "smoke test");
    assert.equal(
      row([{ ...whole, passed: 309 }], "Linux x64")?.[1],
      "tested as a whole, with failures",
    );
  });
});

describe("withResults()", () => {
  it("keeps the newest result of each kind and platform, in the order of the table", () => {
    const newer = { ...whole, passed: 311, of: 311 };
    assert.deepEqual(withResults([built, whole], [scenes, newer]), [newer, built, scenes]);
  });
});

describe("resultsOf() of a run in CI", () => {
  it("reads results as `own_scenes.ts` writes them", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "platform-windows-x64-scenes.json");
    writeFileSync(path, JSON.stringify({ ...scenes, note: undefined }));
    const [{ note: _, ...expected }] = [{ note: "", ...scenes }];
    assert.deepEqual(
      resultsOf(["add", path], () => ""),
      [{ ...expected, note: undefined }]
        .map(({ note: _none, ...rest }) => rest),
    );
  });

  const BAD: readonly (readonly [text: string, says: RegExp])[] = [
    ["", /is no JSON$/],
    ["[]", /has no result of a run/],
    ['{"platform":"amiga"}', /has no result of a run/],
    [JSON.stringify({ ...scenes, passed: 28 }), /passed is greater than of/],
  ];
  for (const [text, says] of BAD) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
      using folder = tempDirectory();
      const path = join(folder.path, "result.json");
      writeFileSync(path, text);
      assert.throws(() => resultsOf(["add", path], () => ""), { message: says });
    });
  }

  it("names a file that is missing", () => {
    assert.throws(() => resultsOf(["add", "none.json"], () => ""), {
      message: "No result none.json",
    });
  });
});

describe("withPlatforms()", () => {
  it("replaces only the generated part, and says so if there is none", () => {
    const start = "<!-- Generated: deno run -A scripts/release/platforms.ts -->";
    const page = withPlatforms(
      `before\n${start}\nold\n<!-- End of the generated part -->\nafter`,
      [built],
    );
    assert.match(page, /^before\n.*\| Linux x64 \| built only \|.*after$/s);
    assert.doesNotMatch(page, /\nold\n/);
    assert.equal(withPlatforms(page, [built]), page);
    assert.throws(() => withPlatforms("a page", []), /README has no part from/);
  });
});

describe("resultsOf()", () => {
  const head = () => at.commit;

  it("reads the counts of the arguments, or of JUnit reports", () => {
    using folder = tempDirectory();
    const report = join(folder.path, "report.xml");
    writeFileSync(
      report,
      '<testcase name="a" classname="./a.ts"></testcase>' +
        '<testcase name="b" classname="./a.ts"><failure>no</failure></testcase>' +
        '<testcase name="c" classname="./a.ts"><skipped/></testcase>',
    );
    const named = ["record", "linux-x64", "whole", "--on=Debian 12", "--date=2026-11-23"];
    const expected = { ...whole, passed: 1, of: 2, skipped: 1, note: undefined };
    assert.deepEqual(resultsOf([...named, report], head), [expected]);
    assert.deepEqual(resultsOf([...named, "--passed=1", "--of=2", "--skipped=1"], head), [
      expected,
    ]);
  });

  it("takes the sizes of the binaries in a folder", () => {
    using folder = tempDirectory();
    writeFileSync(join(folder.path, "barnacle-windows-x64.exe"), "four");
    assert.deepEqual(resultsOf(["built", folder.path, "--date=2026-11-23"], head), [
      { platform: "windows-x64", ran: "built", bytes: 4, ...at },
    ]);
  });

  const wrong: Readonly<Record<string, { args: readonly string[]; says: RegExp }>> = {
    "no verb": { args: [], says: /^Unknown verb "": write built, record or add$/ },
    "another option": { args: ["record", "--by=me"], says: /Unknown option '--by'/ },
    "an empty folder": {
      args: ["built", "/nowhere"],
      says: /^No binary of a release in \/nowhere$/,
    },
    "no report": {
      args: ["record", "linux-x64", "whole", "--on=Debian", "/nowhere.xml"],
      says: /^No report \/nowhere\.xml$/,
    },
    "another platform": {
      args: ["record", "linux-riscv", "whole", "--on=Debian", "--passed=1", "--of=1"],
      says: /^Not a result of a run: (?:.|\n)*platform/,
    },
    "more passed than ran": {
      args: ["record", "linux-x64", "whole", "--on=Debian", "--passed=2", "--of=1"],
      says: /passed is greater than of/,
    },
    "no test at all": {
      args: ["record", "linux-x64", "whole", "--on=Debian", "--passed=0", "--of=0"],
      says: /^Not a result of a run: (?:.|\n)*of/,
    },
  };
  for (const [what, { args, says }] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => resultsOf(args, head), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, says);
        return true;
      });
    });
  }
});

describe("readResults()", () => {
  it("reads the results of this project", () => {
    assert.ok(readResults().length > 0);
  });
});
