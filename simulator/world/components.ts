/**
 * The components of a message: rows of buttons and menus, and boxes in Components V2.
 *
 * Only components that bots such as Barnacle send are supported. Others are refused, because nothing
 * here could use them.
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import { z } from "zod";

/** A row of a message, in Discord's JSON. */
export interface ActionRow {
  readonly type: 1;
  readonly id: number;
  /** Buttons, or one menu. */
  readonly components: readonly (Usable | LinkButton)[];
}

/** A component that a person can use. */
export type Usable = Button | Menu;

export interface Button {
  readonly type: 2;
  readonly id: number;
  readonly style: 1 | 2 | 3 | 4;
  readonly custom_id: string;
  readonly label?: string;
  readonly emoji?: Readonly<Record<string, unknown>>;
  readonly disabled?: boolean;
}

/** A button that opens an address, and sends nothing. */
export interface LinkButton {
  readonly type: 2;
  readonly id: number;
  readonly style: 5;
  readonly url: string;
  readonly label: string;
}

/** A select menu of texts. */
export interface Menu {
  readonly type: 3;
  readonly id: number;
  readonly custom_id: string;
  readonly placeholder?: string;
  readonly min_values: number;
  readonly max_values: number;
  readonly options: readonly { readonly label: string; readonly value: string }[];
  readonly disabled?: boolean;
}

/** Text of the second layout. */
export interface TextDisplay {
  readonly type: 10;
  readonly id: number;
  readonly content: string;
}

export interface Separator {
  readonly type: 14;
  readonly id: number;
  readonly spacing: 1 | 2;
  readonly divider: boolean;
}

/** A box of the second layout. */
export interface Container {
  readonly type: 17;
  readonly id: number;
  readonly accent_color: number | null;
  readonly spoiler: boolean;
  readonly components: readonly (ActionRow | TextDisplay | Separator)[];
}

export type TopComponent = ActionRow | TextDisplay | Separator | Container;

/** Flag of a message in the second layout. */
export const IS_COMPONENTS_V2 = 1 << 15;

/** Limits of one message in the second layout. */
const MAX_COMPONENTS = 40;
const MAX_TEXT = 4_000;
const MAX_ROWS = 5;

const id = z.int().min(0).nullish();

const button = z.strictObject({
  type: z.literal(2),
  id,
  style: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  custom_id: z.string().min(1).max(100),
  label: z.string().max(80).nullish(),
  emoji: z.strictObject({ id: z.string().nullish(), name: z.string().nullish() }).nullish(),
  disabled: z.boolean().nullish(),
}).superRefine(({ label, emoji }, context) => {
  if (label || emoji) return;
  context.addIssue({
    code: "custom",
    params: { code: "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED" },
    message: "A button must have a label or emoji",
  });
});

/** Options of a menu; their values differ. */
const menuOptions = z.array(z.strictObject({
  label: z.string().min(1).max(100),
  value: z.string().min(1).max(100),
  description: z.string().max(100).nullish(),
})).min(1).superRefine((options, context) => {
  if (new Set(options.map(({ value }) => value)).size === options.length) return;
  context.addIssue({
    code: "custom",
    params: { code: "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED" },
    message: "The specified option value is already used",
  });
});

const linkButton = z.strictObject({
  type: z.literal(2),
  id,
  style: z.literal(5),
  url: z.url().max(512),
  label: z.string().min(1).max(80),
});

const menu = z.strictObject({
  type: z.literal(3),
  id,
  custom_id: z.string().min(1).max(100),
  placeholder: z.string().max(150).nullish(),
  min_values: z.int().min(0).max(25).nullish(),
  max_values: z.int().min(1).max(25).nullish(),
  options: menuOptions.max(25),
  disabled: z.boolean().nullish(),
});

const row = z.strictObject({
  type: z.literal(1),
  id,
  components: z.array(z.union([button, linkButton, menu])).min(1).max(5),
}).superRefine(({ components }, context) => {
  if (components.length === 1 || components.every(({ type }) => type === 2)) return;
  context.addIssue({
    code: "custom",
    path: ["components"],
    params: { code: "COMPONENT_LAYOUT_WIDTH_EXCEEDED" },
    message: "The specified component exceeds the maximum width",
  });
});

const text = z.strictObject({ type: z.literal(10), id, content: z.string().min(1).max(4_000) });

const separator = z.strictObject({
  type: z.literal(14),
  id,
  divider: z.boolean().nullish(),
  spacing: z.union([z.literal(1), z.literal(2)]).nullish(),
});

const container = z.strictObject({
  type: z.literal(17),
  id,
  accent_color: z.int().min(0).max(0xFF_FF_FF).nullish(),
  components: z.array(z.discriminatedUnion("type", [row, text, separator])).min(1),
});

const top = z.discriminatedUnion("type", [row, text, separator, container]);

type GivenRow = z.infer<typeof row>;

/** The rows of one message in the first layout; custom ids are unique in it. */
export const actionRows = z.array(row).max(MAX_ROWS).superRefine(refuseTwins);

/** The components of one message in the second layout. */
export const layout = z.array(top).min(1).superRefine((components, context) => {
  const inner = components.flatMap((one) => one.type === 17 ? one.components : [one]);
  const rows = inner.filter((one) => one.type === 1);
  const usable = rows.flatMap((one): readonly unknown[] => one.components);
  const boxes = components.filter(({ type }) => type === 17).length;
  if (boxes + inner.length + usable.length > MAX_COMPONENTS) {
    context.addIssue({
      code: "custom",
      params: { code: "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED" },
      message: `The total number of components cannot exceed ${MAX_COMPONENTS}`,
    });
  }
  const chars = inner.reduce((sum, one) => sum + (one.type === 10 ? one.content.length : 0), 0);
  if (chars > MAX_TEXT) {
    context.addIssue({
      code: "custom",
      params: { code: "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED" },
      message: `Displayable component text exceeds maximum size of ${MAX_TEXT}`,
    });
  }
  refuseTwins(rows, context);
});

function refuseTwins(rows: readonly GivenRow[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [at, { components }] of rows.entries()) {
    for (const [index, component] of components.entries()) {
      const customId = "url" in component ? component.url : component.custom_id;
      if (seen.has(customId)) {
        context.addIssue({
          code: "custom",
          path: [at, "components", index, "custom_id"],
          params: { code: "COMPONENT_CUSTOM_ID_DUPLICATED" },
          message: "Component custom id cannot be duplicated",
        });
      }
      seen.add(customId);
    }
  }
}

/** Numbers the components without a number, from 1 in order. */
export function numbered(components: z.infer<typeof layout>): readonly TopComponent[] {
  let last = 0;
  const next = (given: number | null | undefined): number => {
    last += 1;
    return given || last;
  };
  const toUsable = (given: GivenRow["components"][number]): Usable | LinkButton => {
    if ("url" in given) return { ...given, id: next(given.id) };
    const common = { id: next(given.id), custom_id: given.custom_id };
    const more = given.disabled ? { disabled: true } : {};
    if (given.type === 3) {
      return {
        type: 3,
        ...common,
        ...(given.placeholder && { placeholder: given.placeholder }),
        min_values: given.min_values ?? 1,
        max_values: given.max_values ?? 1,
        options: given.options.map(({ label, value }) => ({ label, value })),
        ...more,
      };
    }
    return {
      type: 2,
      ...common,
      style: given.style,
      ...(given.label && { label: given.label }),
      ...(given.emoji && { emoji: given.emoji }),
      ...more,
    };
  };
  const toInner = (
    given: GivenRow | z.infer<typeof text> | z.infer<typeof separator>,
  ): ActionRow | TextDisplay | Separator => {
    const own = next(given.id);
    switch (given.type) {
      case 1:
        return { type: 1, id: own, components: given.components.map(toUsable) };
      case 10:
        return { type: 10, id: own, content: given.content };
      case 14:
        return { type: 14, id: own, spacing: given.spacing ?? 1, divider: given.divider ?? true };
    }
  };
  return components.map((given): TopComponent => {
    if (given.type !== 17) return toInner(given);
    const own = next(given.id);
    return {
      type: 17,
      id: own,
      accent_color: given.accent_color ?? null,
      spoiler: false,
      components: given.components.map(toInner),
    };
  });
}

/** The buttons and menus of a message, in order. */
export function usableIn(components: readonly TopComponent[]): readonly Usable[] {
  return inRows(components).flatMap((one) => "url" in one ? [] : one);
}

/** The buttons of a message that open an address, in order. */
export function linksIn(components: readonly TopComponent[]) {
  return inRows(components).flatMap((one) => "url" in one ? one : []);
}

function inRows(components: readonly TopComponent[]) {
  return innerOf(components).flatMap((one) => one.type === 1 ? one.components : []);
}

/** The buttons of a message, in order. */
export function buttonsIn(components: readonly TopComponent[]): readonly Button[] {
  return usableIn(components).filter((one) => one.type === 2);
}

/** The text of a message as people see it, in either layout. */
export function textOf(
  { content, components }: {
    readonly content: string;
    readonly components: readonly TopComponent[];
  },
): string {
  const texts = innerOf(components).flatMap((one) => one.type === 10 ? [one.content] : []);
  return texts.length > 0 ? texts.join("\n") : content;
}

function innerOf(components: readonly TopComponent[]) {
  return components.flatMap((one) => one.type === 17 ? one.components : [one]);
}
