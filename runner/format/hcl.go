package format

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNumber is how many bytes a number of HCL may have: reading one takes the
// square of that.
const maxNumber = 1000

// checkHCL wants what the parser of HCL 2 takes. Nothing is evaluated.
func checkHCL(name string, content []byte) *problem {
	start := hcl.Pos{Line: 1, Column: 1}
	tokens, _ := hclsyntax.LexConfig(content, name, start)
	if p := boundHCL(tokens); p != nil {
		return p
	}
	_, problems := hclsyntax.ParseConfig(content, name, start)
	for _, d := range problems {
		if d.Severity != hcl.DiagError {
			continue
		}
		p := &problem{what: "not valid HCL", says: d.Summary + "; " + d.Detail}
		if d.Subject != nil {
			p.line, p.column = d.Subject.Start.Line, d.Subject.Start.Column
		}
		return p
	}
	return nil
}

// boundHCL returns a problem where the content is not to be given to the parser,
// which is recursive: into brackets, into what follows an operator, and into the
// body of an %{ if } or a %{ for }. The content need not be HCL.
func boundHCL(tokens hclsyntax.Tokens) *problem {
	steps := []int{0} // for each bracket that is open, how much deeper the parser is within it
	depth := 0        // the sum of that
	step := func(n int) {
		steps[len(steps)-1] += n
		depth += n
	}
	for i, t := range tokens {
		next := tokens[min(i+1, len(tokens)-1)]
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			step(1)
		case hclsyntax.TokenComma, hclsyntax.TokenEqual: // another expression
			step(-steps[len(steps)-1])
		case hclsyntax.TokenTemplateControl:
			switch string(next.Bytes) {
			case "if", "for":
				step(1)
			case "endif", "endfor":
				step(-min(1, steps[len(steps)-1]))
			}
			steps = append(steps, 0)
		case hclsyntax.TokenOBrack:
			if next.Type == hclsyntax.TokenStar { // what follows is deeper than what it is of
				step(1)
			}
			steps = append(steps, 0)
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			steps = append(steps, 0)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			step(-steps[len(steps)-1])
			steps = steps[:max(1, len(steps)-1)]
		}
		what := ""
		switch {
		case len(steps)+depth > maxDepth:
			what = "nested too deep"
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber:
			what = "a number that is too long"
		}
		if what != "" {
			return &problem{line: t.Range.Start.Line, column: t.Range.Start.Column, what: what}
		}
	}
	return nil
}
