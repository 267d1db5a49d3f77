import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { locateConfig } from "../../src/config/locate.ts";

const ETC = "/etc/barnacle/config.jsonc";
const HOME = "/home/ada/.config/barnacle/config.jsonc";
const XDG = "/xdg/barnacle/config.jsonc";
const HERE = "./config.jsonc";

describe("[C1] locateConfig()", () => {
  const cases: readonly (readonly [
    name: string,
    flag: string | undefined,
    env: Readonly<Record<string, string>>,
    files: readonly string[],
    path: string,
  ])[] = [
    ["the flag's file first", "a", { BARNACLE_CONFIG: "b" }, ["a", "b", HERE, ETC], "a"],
    ["then the environment's", undefined, { BARNACLE_CONFIG: "b" }, ["b", HERE, ETC], "b"],
    ["then the one here", undefined, { HOME: "/home/ada" }, [HERE, HOME, ETC], HERE],
    ["then the user's", undefined, { HOME: "/home/ada" }, [HOME, ETC], HOME],
    ["that of XDG", undefined, { HOME: "/home/ada", XDG_CONFIG_HOME: "/xdg/" }, [XDG, HOME], XDG],
    ["no relative XDG", undefined, { HOME: "/home/ada", XDG_CONFIG_HOME: "xdg" }, [HOME], HOME],
    ["then the machine's", undefined, { BARNACLE_CONFIG: "" }, [ETC], ETC],
  ];
  for (const [name, flag, env, files, path] of cases) {
    it(`finds ${name}`, () => {
      assert.deepEqual(locateConfig(flag, env, (file) => files.includes(file)), {
        kind: "file",
        path,
      });
    });
  }

  it("reads no other file in place of a named one", () => {
    assert.deepEqual(locateConfig("a", {}, (file) => file === HERE), {
      kind: "missing",
      path: "a",
      named: "--config",
    });
    assert.deepEqual(locateConfig(undefined, { BARNACLE_CONFIG: "b" }, (file) => file === HERE), {
      kind: "missing",
      path: "b",
      named: "BARNACLE_CONFIG",
    });
  });

  it("lists the paths that it tried", () => {
    assert.deepEqual(locateConfig(undefined, { HOME: "/home/ada" }, () => false), {
      kind: "none",
      looked: [HERE, HOME, ETC],
    });
  });
});
