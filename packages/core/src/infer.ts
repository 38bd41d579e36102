/**
 * What TypeScript knows of a stack: which APIs a heap has, from the plugins it was given.
 *
 * Plugins may come in any order, in bundles (arrays), spread, or behind a condition; the API of one that may be absent is
 * optional. Two plugins of one name, or a name that is a member of `Heap`, make `plugins` a type whose text says so.
 */
import type { Heap } from "./heap-types.js";
import type { Plugin, Strategy } from "./types.js";

/** Any plugin, bundle of plugins, or nothing. */
export type PluginInput = Plugin<string, unknown> | PluginBundle | false | null | undefined;
/** A bundle is a readonly array; a tuple keeps the names and APIs of its parts. */
export interface PluginBundle extends ReadonlyArray<PluginInput> {}

type Nothing = false | null | undefined | "" | 0;

/** One plugin's name and API; `sure` is false if it may be absent. */
interface Entry<Name extends string, Api, Sure extends boolean> {
  readonly name: Name;
  readonly api: Api;
  readonly sure: Sure;
}

type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never;

/** Entries of one element of the list: a plugin, a bundle, or a choice of them. */
type EntriesOfElement<Element, Sure extends boolean> = EntriesOfChoice<
  Exclude<Element, Nothing>,
  [Extract<Element, Nothing>] extends [never]
    ? IsUnion<Exclude<Element, Nothing>> extends true
      ? false
      : Sure
    : false
>;
type EntriesOfChoice<Choice, Sure extends boolean> = Choice extends readonly unknown[]
  ? // "Any bundle" contains itself and tells nothing.
    [PluginBundle] extends [Choice]
    ? never
    : EntriesOf<Choice, Sure>
  : Choice extends Plugin<infer Name, infer Api>
    ? Entry<Name, Api, Sure>
    : never;

/** Entries of a list: a tuple, perhaps with a spread of unknown length inside. */
type EntriesOf<List extends readonly unknown[], Sure extends boolean = true> = List extends readonly []
  ? never
  : List extends readonly [infer First, ...infer Rest]
    ? EntriesOfElement<First, Sure> | EntriesOf<Rest, Sure>
    : List extends readonly [...infer Init, infer Last]
      ? EntriesOfElement<Last, Sure> | EntriesOf<Init, Sure>
      : EntriesOfElement<List[number], false>;

type StrategyEntry<S> = S extends Strategy<infer Name, infer Api> ? Entry<Name, Api, true> : never;

/** Entries that bring an API. */
type WithApi<E> =
  E extends Entry<string, infer Api, boolean> ? ([Api] extends [undefined] ? never : E) : never;
type SureName<E> = E extends Entry<infer Name, unknown, true> ? Name : never;
type NameOf<E> = E extends Entry<infer Name, unknown, boolean> ? Name : never;
type ApiNamed<E, Name> =
  E extends Entry<infer N extends string, infer Api, boolean> ? (N extends Name ? Api : never) : never;

type Merged<E> = { readonly [Name in SureName<E>]: ApiNamed<E, Name> } & {
  readonly [Name in Exclude<NameOf<E>, SureName<E>>]?: ApiNamed<E, Name>;
};

/** The APIs a strategy and a list of plugins add to the heap, by name. */
export type ApisOf<S, P extends readonly unknown[]> = Merged<WithApi<StrategyEntry<S> | EntriesOf<P>>>;

/** Names that are sure to be there, in order, bundles flattened: what duplicates are found in. */
type SureNames<List extends readonly unknown[]> = List extends readonly [infer First, ...infer Rest]
  ? [...SureNamesOfElement<First>, ...SureNames<Rest>]
  : [];
type SureNamesOfElement<Element> =
  Exclude<Element, Nothing> extends infer Given
    ? IsUnion<Given> extends true
      ? []
      : Given extends readonly unknown[]
        ? SureNames<Given>
        : Given extends Plugin<infer Name, unknown>
          ? string extends Name
            ? []
            : [Name]
          : []
    : [];

type FirstDuplicate<Names extends readonly unknown[], Seen = never> = Names extends readonly [
  infer First,
  ...infer Rest,
]
  ? First extends Seen
    ? First
    : FirstDuplicate<Rest, Seen | First>
  : never;

type ReservedName<E> = Extract<NameOf<E>, keyof Heap>;

/** Why a stack cannot be composed, as text; `never` if it can. */
export type Conflict<S, P extends readonly unknown[]> =
  string extends NameOf<EntriesOf<P>>
    ? never
    : [ReservedName<EntriesOf<P> | StrategyEntry<S>>] extends [never]
      ? [FirstDuplicate<[NameOf<StrategyEntry<S>>, ...SureNames<P>]>] extends [never]
        ? never
        : `CompositionError: two parts of the stack are named "${FirstDuplicate<[NameOf<StrategyEntry<S>>, ...SureNames<P>]> & string}"`
      : `CompositionError: "${ReservedName<EntriesOf<P> | StrategyEntry<S>>}" is a member of Heap and cannot name a plugin`;

/** Nothing for a stack that fits, else a requirement no array meets, whose text is the reason. */
export type Composable<S, P extends readonly unknown[]> = [Conflict<S, P>] extends [never]
  ? unknown
  : { readonly plugins: Conflict<S, P> };
