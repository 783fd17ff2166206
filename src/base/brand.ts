/** A nominal type over a structural one: values are plain, mixing two brands does not compile. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }
