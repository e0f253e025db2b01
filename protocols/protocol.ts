import { z } from "zod";

/** A message that expects no answer; delivered exactly once in effect (D2). */
export interface TellSpec<Shape extends z.ZodRawShape = z.ZodRawShape> {
  readonly form: "tell";
  readonly schema: z.ZodObject<Shape>;
}

/** A question: answered after the flush of the commit it caused, or not at all when its deadline passes. */
export interface AskSpec<Shape extends z.ZodRawShape = z.ZodRawShape, Reply extends z.ZodType = z.ZodType> {
  readonly form: "ask";
  readonly schema: z.ZodObject<Shape>;
  readonly reply: Reply;
}

export type MessageSpec = TellSpec | AskSpec;
export type Messages = Readonly<Record<string, MessageSpec>>;

/** The messages one kind of actor understands. */
export interface Protocol<Name extends string = string, M extends Messages = Messages> {
  readonly name: Name;
  readonly messages: M;
}

export type Payload<Spec extends MessageSpec> = z.infer<Spec["schema"]>;
export type Reply<Spec extends MessageSpec> = Spec extends AskSpec<z.ZodRawShape, infer R> ? z.infer<R> : never;

export function tell<Shape extends z.ZodRawShape>(shape: Shape): TellSpec<Shape> {
  return { form: "tell", schema: z.object(shape) };
}

export function ask<Shape extends z.ZodRawShape, R extends z.ZodType>(shape: Shape, reply: R): AskSpec<Shape, R> {
  return { form: "ask", schema: z.object(shape), reply };
}

export function protocol<Name extends string, M extends Messages>(name: Name, messages: M): Protocol<Name, M> {
  return { name, messages };
}
