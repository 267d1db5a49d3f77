/**
 * Reads facts of the machine from the kernel's files, for `barnacle doctor`. Another system than
 * Linux has none of them.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { CardFacts, MachineFacts } from "./host/machine.ts";
import { isContainer } from "../../host/process/boot.ts";
import type { Env } from "../../lib/env.ts";

interface MachinePlaces {
  /** The folder of `/proc`, `/sys`, `/etc` and `/var`: `"/"`. */
  readonly root: string;
  readonly env: Env;
  /** The running bot; absent if none runs. */
  readonly pid?: number;
}

export function readMachine(places: MachinePlaces): MachineFacts {
  const { root, env } = places;
  const cgroup = () => read(root, "proc/1/cgroup");
  // A container's kernel is another one's to change.
  const isInside = isContainer(env, (path) => existsSync(join(root, path)), cgroup);
  return {
    cards: cardsIn(root),
    damaged: damagedIn(root),
    hasMemoryGroup: isInside ? undefined : memoryGroupIn(root),
    isRaspberryPi: /^Raspberry Pi/.test(read(root, "proc/device-tree/model")),
    unitOwner: unitOwner(places),
  };
}

/** The kernel's numbers of `life_time`: each is ten percent more; 0 says nothing. */
const LIFE_STEP = 10;
const LIFE_MAX = 0x0b;
/** The kernel's numbers of `pre_eol_info`. */
const RESERVES: Readonly<Record<number, CardFacts["reserve"]>> = {
  1: "normal",
  2: "low",
  3: "used up",
};

/** Cards that tell their wear; most SD cards tell nothing. */
function cardsIn(root: string): readonly CardFacts[] {
  return list(root, "sys/block").filter((name) => /^mmcblk\d+$/.test(name)).flatMap((name) => {
    const device = `sys/block/${name}/device`;
    const lives = numbersIn(read(root, `${device}/life_time`))
      .filter((step) => step > 0 && step <= LIFE_MAX);
    const [reserve = 0] = numbersIn(read(root, `${device}/pre_eol_info`));
    const facts: CardFacts = {
      name,
      usedPercent: lives.length > 0 ? Math.max(...lives) * LIFE_STEP : undefined,
      reserve: RESERVES[reserve],
    };
    return facts.usedPercent === undefined && facts.reserve === undefined ? [] : [facts];
  });
}

/** `"0x01 0x02"` as numbers. */
function numbersIn(text: string): readonly number[] {
  return text.split(/\s+/).filter((word) => /^0x[0-9a-f]{1,2}$/i.test(word)).map(Number);
}

function damagedIn(root: string): MachineFacts["damaged"] {
  return list(root, "sys/fs/ext4").flatMap((device) => {
    const errors = Number(read(root, `sys/fs/ext4/${device}/errors_count`));
    return Number.isSafeInteger(errors) && errors > 0 ? [{ device, errors }] : [];
  });
}

/** Looks for cgroup v2, then for v1, whose controllers have a folder each. */
function memoryGroupIn(root: string): boolean | undefined {
  const controllers = read(root, "sys/fs/cgroup/cgroup.controllers");
  if (existsSync(join(root, "sys/fs/cgroup/memory"))) return true;
  return controllers === "" ? undefined : controllers.split(/\s+/).includes("memory");
}

/** The user whose service manager runs the bot, or would run it by an installed unit. */
function unitOwner({ root, env, pid }: MachinePlaces): MachineFacts["unitOwner"] {
  const uid = pid === undefined
    ? hasUserUnit(root, env) ? process.getuid?.() : undefined
    : managerOf(read(root, `proc/${pid}/cgroup`));
  const name = uid === undefined ? undefined : nameOf(root, uid);
  if (name === undefined) return undefined;
  return { name, lingers: existsSync(join(root, "var/lib/systemd/linger", name)) };
}

function hasUserUnit(root: string, env: Env): boolean {
  const home = env["HOME"];
  const config = env["XDG_CONFIG_HOME"] || (home && join(home, ".config"));
  return config ? existsSync(join(root, config, "systemd/user/barnacle.service")) : false;
}

/** @returns Number of the user whose manager runs a service with this group; `undefined` if none. */
function managerOf(group: string): number | undefined {
  const uid = /\/user@(\d+)\.service\/.*\.service$/m.exec(group)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

function nameOf(root: string, uid: number): string | undefined {
  const users = read(root, "etc/passwd").split("\n").map((line) => line.split(":"));
  return users.find(([, , number]) => number === `${uid}`)?.[0];
}

function read(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), "utf8").trim();
  } catch {
    return "";
  }
}

function list(root: string, path: string): readonly string[] {
  try {
    return readdirSync(join(root, path)).toSorted();
  } catch {
    return [];
  }
}
