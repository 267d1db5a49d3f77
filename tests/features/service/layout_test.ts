import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layoutOf, systemdWord } from "../../../src/features/service/layout.ts";

const FACTS = { home: "/home/ada", program: "/tmp/barnacle" };

describe("[O4] the unit of a user", () => {
  const words: readonly (readonly [string, string])[] = [
    ["/home/ada/.local/bin/barnacle", "/home/ada/.local/bin/barnacle"],
    ["/home/ada lovelace/x", '"/home/ada lovelace/x"'],
    ["/home/100%/x", "/home/100%%/x"],
    ["/home/$USER/x", "/home/$$USER/x"],
    ['/home/a"b\\c', '"/home/a\\"b\\\\c"'],
    ["/home/ü", '"/home/ü"'],
    ["/home/a;b", '"/home/a;b"'],
    ["/home/a\nExecStartPre=b\t", '"/home/a\\x0aExecStartPre=b\\x09"'],
  ];
  for (const [path, word] of words) {
    it(`quotes ${path}`, () => assert.equal(systemdWord(path), word));
  }

  it("names program, config and data", () => {
    const { unit } = layoutOf("systemd-user", {
      ...FACTS,
      config: "/home/ada/my bot/config.jsonc",
      dataDir: "/srv/data",
    });
    assert.match(
      unit.text,
      /^ExecStart=\/home\/ada\/\.local\/bin\/barnacle run --config "\/home\/ada\/my bot\/config\.jsonc" --data \/srv\/data$/m,
    );
  });

  it("has this user's paths in a launch agent, escaped", () => {
    const { unit: { text } } = layoutOf("launchd", {
      home: "/Users/a&b",
      program: "/usr/local/bin/barnacle",
    });
    assert.ok(text.includes("<string>/Users/a&amp;b/Library/Logs/barnacle.log</string>"));
    assert.ok(text.includes("<string>/usr/local/bin/barnacle</string>"));
    assert.ok(!text.includes("/Users/me"));
  });
});
