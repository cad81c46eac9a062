/**
 * The syntax tree of serialized TorchScript: what torch/csrc/jit/serialization/python_print.cpp writes, and no more.
 * `line` counts from 1 in the file.
 */
export type Expr =
  | { readonly kind: 'Name'; readonly name: string; readonly line: number }
  | { readonly kind: 'Attribute'; readonly value: Expr; readonly name: string; readonly line: number }
  | CallExpr
  | SubscriptExpr
  | { readonly kind: 'Int'; readonly value: bigint; readonly line: number }
  | { readonly kind: 'Float'; readonly value: number; readonly line: number }
  /** An imaginary literal: `2.j`. */
  | { readonly kind: 'Imaginary'; readonly value: number; readonly line: number }
  | { readonly kind: 'String'; readonly value: string; readonly line: number }
  | { readonly kind: 'Bool'; readonly value: boolean; readonly line: number }
  | { readonly kind: 'None'; readonly line: number }
  | { readonly kind: 'List'; readonly elements: readonly Expr[]; readonly line: number }
  | TupleExpr
  | { readonly kind: 'Dict'; readonly keys: readonly Expr[]; readonly values: readonly Expr[]; readonly line: number }
  | { readonly kind: 'Unary'; readonly operator: '-' | 'not'; readonly operand: Expr; readonly line: number }
  /** `a + b`, `a - b`: only as the two parts of a complex literal. */
  | { readonly kind: 'Binary'; readonly operator: '+' | '-'; readonly left: Expr; readonly right: Expr; readonly line: number }

/** `f(a, b=c)`. */
export interface CallExpr {
  readonly kind: 'Call'
  readonly callee: Expr
  readonly args: readonly Expr[]
  readonly keywords: readonly { readonly name: string; readonly value: Expr }[]
  readonly line: number
}

/** `(a, b)`. */
export interface TupleExpr {
  readonly kind: 'Tuple'
  readonly elements: readonly Expr[]
  readonly line: number
}

/** `x[a, b:c]`. */
export interface SubscriptExpr {
  readonly kind: 'Subscript'
  readonly value: Expr
  readonly indices: readonly (Expr | SliceExpr)[]
  readonly line: number
}

/** `a:b:c` between brackets. */
export interface SliceExpr {
  readonly kind: 'Slice'
  readonly start?: Expr
  readonly end?: Expr
  readonly step?: Expr
  readonly line: number
}

/** A statement. */
export type Stmt =
  /** `target = value`, `target : type = value`, and in class bodies `target : type`. */
  | AssignStmt
  | { readonly kind: 'Expr'; readonly value: Expr; readonly line: number }
  | { readonly kind: 'If'; readonly condition: Expr; readonly body: readonly Stmt[]; readonly orElse: readonly Stmt[]; readonly line: number }
  | { readonly kind: 'While'; readonly condition: Expr; readonly body: readonly Stmt[]; readonly line: number }
  | { readonly kind: 'For'; readonly target: Expr; readonly iterable: Expr; readonly body: readonly Stmt[]; readonly line: number }
  | { readonly kind: 'With'; readonly context: Expr; readonly target?: Expr; readonly body: readonly Stmt[]; readonly line: number }
  | { readonly kind: 'Return'; readonly value?: Expr; readonly line: number }
  | { readonly kind: 'Pass'; readonly line: number }
  | FunctionDef

export interface AssignStmt {
  readonly kind: 'Assign'
  readonly target: Expr
  readonly type?: Expr
  readonly value?: Expr
  readonly line: number
}

/** A parameter of a `def`. */
export interface Parameter {
  readonly name: string
  readonly type?: Expr
  readonly default?: Expr
  readonly kwargOnly: boolean
}

/** Everything of a `def` but its body. */
export interface Signature {
  readonly name: string
  readonly parameters: readonly Parameter[]
  readonly returns?: Expr
  readonly line: number
}

/** A `def` with its body. */
export interface FunctionDef extends Signature {
  readonly kind: 'FunctionDef'
  readonly body: readonly Stmt[]
}
