/**
 * Judges what a server at home is short of (O3): the life of its memory card, the kernel's control
 * group for memory, and a service manager that goes on after logout.
 */

import type { Finding } from "../../../core/finding.ts";

export interface MachineFacts {
  /** Memory cards that tell how worn they are. */
  readonly cards: readonly CardFacts[];
  /** File systems on which the kernel has found errors. */
  readonly damaged: readonly { readonly device: string; readonly errors: number }[];
  /** Whether the kernel can limit memory; absent if it does not tell. */
  readonly hasMemoryGroup?: boolean;
  readonly isRaspberryPi: boolean;
  /** The person whose service manager runs the bot; absent if the bot is no such service. */
  readonly unitOwner?: { readonly name: string; readonly lingers: boolean };
}

/** A memory card or a soldered one (eMMC). */
export interface CardFacts {
  /** The kernel's name: `"mmcblk0"`. */
  readonly name: string;
  /** Used share of its life in percent, at most 110: then it is older than its maker promised. */
  readonly usedPercent?: number;
  /** State of its reserve for worn blocks. */
  readonly reserve?: "normal" | "low" | "used up";
}

/** Used percent of a card's life from which a copy is due. */
const WORN = 80;
const WORN_OUT = 100;

/** Judges all facts. A machine that tells nothing has no rows. */
export function judgeMachine(facts: MachineFacts): readonly Finding[] {
  return [
    ...facts.cards.map(judgeCard),
    ...facts.damaged.map(judgeFileSystem),
    ...judgeMemoryGroup(facts),
    ...judgeLinger(facts),
  ];
}

function judgeCard({ name, usedPercent, reserve }: CardFacts): Finding {
  const about = { id: "host.card", what: "Memory card", where: name };
  const life = usedPercent === undefined
    ? []
    : usedPercent > WORN_OUT
    ? ["it is past the life that its maker promised"]
    : [`up to ${usedPercent} % of its life is used`];
  const spare = reserve === undefined || reserve === "normal"
    ? []
    : [`its reserve for worn blocks is ${reserve === "low" ? "nearly used up" : "used up"}`];
  const why = [`${name}: ${[...life, ...spare].join(", and ") || "it has its whole reserve"}`];
  const isOver = (usedPercent ?? 0) > WORN_OUT || reserve === "used up";
  if (!isOver && (usedPercent ?? 0) < WORN && spare.length === 0) {
    return { ...about, status: "pass", why: why.join("") };
  }
  return {
    ...about,
    status: isOver ? "fail" : "warn",
    why: why.join(""),
    fix: "replace the card soon, better by an SSD; copy the data directory before it fails",
  };
}

function judgeFileSystem({ device, errors }: MachineFacts["damaged"][number]): Finding {
  return {
    id: "host.card",
    what: "Memory card",
    status: "warn",
    where: device,
    why: `${device}: the kernel has found ${errors} ${errors === 1 ? "error" : "errors"} in its ` +
      "file system: a worn card, a bad cable or a power cut",
    fix: "copy the data directory to another disk, then check this one while it is not mounted: " +
      `\`e2fsck -f /dev/${device}\``,
  };
}

function judgeMemoryGroup({ hasMemoryGroup, isRaspberryPi }: MachineFacts): readonly Finding[] {
  if (hasMemoryGroup === undefined) return [];
  const about = { id: "host.memoryGroup", what: "Memory limits" };
  if (hasMemoryGroup) {
    return [{ ...about, status: "pass", why: "the kernel can limit the memory of services" }];
  }
  return [{
    ...about,
    status: "warn",
    why: "the kernel's control group for memory is off, so MemoryMax= of a service has no effect",
    fix: isRaspberryPi
      ? "add `cgroup_enable=memory` to the line in /boot/firmware/cmdline.txt, and restart the " +
        "machine"
      : "start the kernel without `cgroup_disable=memory`, or with `cgroup_enable=memory`",
  }];
}

function judgeLinger({ unitOwner }: MachineFacts): readonly Finding[] {
  if (!unitOwner) return [];
  const about = { id: "host.linger", what: "Logout", where: unitOwner.name };
  if (unitOwner.lingers) {
    const why = `the service of ${unitOwner.name} goes on after logout`;
    return [{ ...about, status: "pass", why }];
  }
  return [{
    ...about,
    status: "warn",
    why: `the bot is a service of ${unitOwner.name}, so it ends with their last logout, and does ` +
      "not start with the machine",
    fix: `run \`sudo loginctl enable-linger ${unitOwner.name}\``,
  }];
}
