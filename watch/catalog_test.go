package watch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSortedTags(t *testing.T) {
	tags := []string{"b", "a", "B"}
	if diff := cmp.Diff(ServiceTags{"B", "a", "b"}, SortedTags(tags)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "a", "B"}, tags); diff != "" {
		t.Errorf("the argument was reordered:\n%s", diff)
	}
	if got := SortedTags(nil); got == nil {
		t.Error("SortedTags(nil) is nil")
	}
}

func TestSortNodes(t *testing.T) {
	list := []*Node{{Node: "b", Address: "1"}, {Node: "a", Address: "2"}, {Node: "a", Address: "1"}}
	SortNodes(list)
	want := []*Node{{Node: "a", Address: "1"}, {Node: "a", Address: "2"}, {Node: "b", Address: "1"}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSortNodeServices(t *testing.T) {
	list := []*CatalogNodeService{{Service: "web", ID: "2"}, {Service: "web", ID: "1"}, {Service: "db", ID: "3"}}
	SortNodeServices(list)
	want := []*CatalogNodeService{{Service: "db", ID: "3"}, {Service: "web", ID: "1"}, {Service: "web", ID: "2"}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
