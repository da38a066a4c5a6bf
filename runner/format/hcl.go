package format

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNumber is how many bytes a number of HCL may have: reading one takes the
// square of that.
const maxNumber = 1000

// checkHCL wants what the parser of HCL 2 takes. Nothing is evaluated.
func checkHCL(content []byte) error {
	start := hcl.Pos{Line: 1, Column: 1}
	tokens, _ := hclsyntax.LexConfig(content, "", start)
	if err := boundHCL(tokens); err != nil {
		return err
	}
	_, problems := hclsyntax.ParseConfig(content, "", start)
	for _, p := range problems {
		if p.Severity != hcl.DiagError {
			continue
		}
		what := strings.ToLower(p.Summary[:1]) + p.Summary[1:]
		if p.Subject == nil {
			return wrongAt(0, 0, what)
		}
		return wrongAt(p.Subject.Start.Line, p.Subject.Start.Column, what)
	}
	return nil
}

// An hclLevel is something of HCL that is open.
type hclLevel struct {
	closes hclsyntax.TokenType
	lines  bool // a line's end ends an expression here
	steps  int  // by how many the expression is deeper than the level
}

// An hclDepth follows how deep the recursive parser would be.
type hclDepth struct {
	levels []hclLevel
	steps  int // of all levels
}

// boundHCL returns an error where the content is not to be given to the parser.
func boundHCL(tokens hclsyntax.Tokens) error {
	d := hclDepth{levels: []hclLevel{{closes: hclsyntax.TokenEOF, lines: true}}}
	for i, t := range tokens {
		next := hclsyntax.Token{}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		d.read(t, next)
		start := t.Range.Start
		if len(d.levels)+d.steps > maxDepth {
			return wrongAt(start.Line, start.Column, "nested too deep")
		}
		if t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber {
			return wrongAt(start.Line, start.Column, "a number that is too long")
		}
	}
	return nil
}

func (d *hclDepth) read(t, next hclsyntax.Token) {
	if closes, opens := hclPairs[t.Type]; opens {
		d.open(t, next, closes)
		return
	}
	last := &d.levels[len(d.levels)-1]
	switch t.Type {
	case last.closes:
		d.steps -= last.steps
		d.levels = d.levels[:max(1, len(d.levels)-1)]
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
		d.step(1)
	case hclsyntax.TokenComma:
		d.step(-last.steps)
	case hclsyntax.TokenNewline:
		if last.lines {
			d.step(-last.steps)
		}
	}
}

// open goes a level deeper. The body of an %{ if } or a %{ for } is deeper than
// the text that it is in.
func (d *hclDepth) open(t, next hclsyntax.Token, closes hclsyntax.TokenType) {
	word := ""
	if next.Type == hclsyntax.TokenIdent {
		word = string(next.Bytes)
	}
	if t.Type == hclsyntax.TokenTemplateControl {
		switch word {
		case "if", "for":
			d.step(1)
		case "endif", "endfor":
			d.step(-min(1, d.levels[len(d.levels)-1].steps))
		}
	}
	if t.Type == hclsyntax.TokenOBrack && next.Type == hclsyntax.TokenStar {
		d.step(1) // what follows a splat is deeper than what it is of
	}
	lines := t.Type == hclsyntax.TokenOBrace && word != "for"
	d.levels = append(d.levels, hclLevel{closes: closes, lines: lines})
}

func (d *hclDepth) step(n int) {
	d.levels[len(d.levels)-1].steps += n
	d.steps += n
}

// hclPairs has what closes what.
var hclPairs = map[hclsyntax.TokenType]hclsyntax.TokenType{
	hclsyntax.TokenOBrace:          hclsyntax.TokenCBrace,
	hclsyntax.TokenOBrack:          hclsyntax.TokenCBrack,
	hclsyntax.TokenOParen:          hclsyntax.TokenCParen,
	hclsyntax.TokenOQuote:          hclsyntax.TokenCQuote,
	hclsyntax.TokenOHeredoc:        hclsyntax.TokenCHeredoc,
	hclsyntax.TokenTemplateInterp:  hclsyntax.TokenTemplateSeqEnd,
	hclsyntax.TokenTemplateControl: hclsyntax.TokenTemplateSeqEnd,
}
