/**
 * What the components of a message say, in words for a model (H9).
 *
 * A message in Discord's second layout has no content and no embeds: all of its
 * words are in components, which may hold others. All of it is untrusted, so it is
 * read to a certain depth only, and what does not fit is left out.
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 * @module
 */

import { MessageComponentTypes } from "@discordeno/types";
import { z } from "zod";

/** What discordeno does not name yet. */
const Type = {
  ...MessageComponentTypes,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Label: 18,
} as const;

/** Discord nests no deeper than a button in a row in a container; others may. */
const MAX_DEPTH = 6;

const text = z.string().optional().catch(undefined);
const children = z.array(z.unknown()).optional().catch(undefined);

const componentSchema = z.object({
  type: z.number(),
  /** Of a text. */
  content: text,
  /** Of a button, or of a field's frame. */
  label: text,
  url: text,
  /** Of a menu. */
  placeholder: text,
  options: z.array(z.object({ label: z.string() })).optional().catch(undefined),
  /** Of a picture or a file. */
  description: text,
  name: text,
  spoiler: z.boolean().optional().catch(undefined),
  /** Of a gallery. */
  items: children,
  /** Of what holds others. */
  components: children,
  accessory: z.unknown().optional(),
  component: z.unknown().optional(),
});
type Component = z.infer<typeof componentSchema>;

/** A picture of a gallery has the fields of a component, but for its type. */
const gallerySchema = componentSchema.omit({ type: true });

/** One line for each text, picture, file, button and menu, in their order. */
export function describeComponents(components: readonly unknown[]): string {
  return components.flatMap((component) => linesOf(component, 0)).join("\n");
}

function linesOf(value: unknown, depth: number): readonly string[] {
  if (depth >= MAX_DEPTH || value === undefined) return [];
  const { data: component } = componentSchema.safeParse(value);
  if (!component) return [];
  const within = [
    ...(component.components ?? []),
    component.component,
    component.accessory,
  ].flatMap((child) => linesOf(child, depth + 1));
  return [...ownLines(component), ...within];
}

function ownLines(component: Component): readonly string[] {
  const { type, content, label, url, placeholder, options = [], items = [] } = component;
  switch (type) {
    case Type.TextDisplay:
      return content ? [content] : [];
    case Type.Button:
      return label ? [`[button: ${url ? `${label}, ${url}` : label}]`] : [];
    case Type.SelectMenu:
    case Type.SelectMenuUsers:
    case Type.SelectMenuRoles:
    case Type.SelectMenuUsersAndRoles:
    case Type.SelectMenuChannels: {
      const labels = options.map(({ label }) => label).join(" / ");
      const parts = [placeholder, labels && `(${labels})`].filter(Boolean).join(" ");
      return parts ? [`[menu: ${parts}]`] : [];
    }
    case Type.Thumbnail:
      return [mediaLine("picture", component)];
    case Type.MediaGallery:
      return items.flatMap((item) => {
        const { data } = gallerySchema.safeParse(item);
        return data ? [mediaLine("picture", data)] : [];
      });
    case Type.File:
      return [mediaLine("file", component)];
    case Type.Label:
      return label ? [label] : [];
    default:
      return [];
  }
}

function mediaLine(
  kind: string,
  { name, description, spoiler }: Pick<Component, "name" | "description" | "spoiler">,
): string {
  const parts = [name, description, spoiler ? "behind a spoiler" : ""].filter(Boolean).join(", ");
  return parts ? `[${kind}: ${parts}]` : `[${kind}]`;
}
