package stores

import (
	"fmt"
	"slices"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch"
	"restencil/watch/lazyregexp"
)

// A Cluster is one of several clusters of a store: the block without a label, whose
// Name is "", or one with a label.
type Cluster[T any] struct {
	Name    string
	Origins *setting.Origins // by the keys of the block without a label, such as consul.address
	Of      *T
}

// clusters returns the setting of the blocks with a label, beside that of the block
// without one.
func clusters[T any](block setting.Setting, list *[]*Cluster[T], defaults func() T, settings func(*T) []setting.Setting) setting.Setting {
	each := setting.Each(list, func(c *Cluster[T]) setting.Instance {
		if c.Of == nil {
			of := defaults()
			c.Origins, c.Of = new(setting.Origins), &of
		}
		own := slices.DeleteFunc(settings(c.Of), func(s setting.Setting) bool { return s.Deprecated != "" })
		return setting.Instance{Label: &c.Name, Origins: c.Origins, Settings: own, Prefix: block.Key + "."}
	})
	each.Labelled, each.Beside = true, block.Block
	return setting.Setting{Key: block.Key, Each: each}
}

var clusterName = lazyregexp.New(`^[\w-]+$`)

// checkClusters validates the names of the blocks with a label, and that each has an
// address.
func checkClusters[T any](key string, list []*Cluster[T]) (errs []error) {
	for i, c := range list {
		wrong := func(message, hint string) {
			errs = append(errs, c.Origins.At.Wrong(fmt.Sprintf("%s %q: %s", key, c.Name, message), hint))
		}
		first := slices.IndexFunc(list, func(other *Cluster[T]) bool { return other.Name == c.Name })
		switch {
		case !clusterName.Get().MatchString(c.Name):
			wrong("a name has letters, digits, - and _ only", "")
		case c.Name == watch.DefaultCluster:
			wrong("templates name the block without a label so", fmt.Sprintf("write %s { … }", key))
		case first < i:
			wrong("there are two of them", "the other one is at "+list[first].Origins.At.String())
		case !c.Origins.IsSet(key + ".address"):
			wrong("it has no address", "only the block without a label takes anything from the environment")
		}
	}
	return errs
}
