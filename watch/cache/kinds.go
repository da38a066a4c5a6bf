package cache

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"restencil/watch"
)

// kept returns the type of the answers to each kind of query that is kept.
func kept() map[watch.Kind]reflect.Type {
	return map[watch.Kind]reflect.Type{
		watch.KVGet:  reflect.TypeFor[*watch.KeyPair](),
		watch.KVList: reflect.TypeFor[[]*watch.KeyPair](),

		watch.ServiceHealth:  reflect.TypeFor[[]*watch.HealthService](),
		watch.ConnectHealth:  reflect.TypeFor[[]*watch.HealthService](),
		watch.ServiceList:    reflect.TypeFor[[]*watch.CatalogSnippet](),
		watch.NodeServices:   reflect.TypeFor[*watch.CatalogNode](),
		watch.NodeList:       reflect.TypeFor[[]*watch.Node](),
		watch.DatacenterList: reflect.TypeFor[[]string](),

		watch.CARootList:          reflect.TypeFor[[]*watch.CARoot](),
		watch.PeeringList:         reflect.TypeFor[[]*watch.Peering](),
		watch.PartitionList:       reflect.TypeFor[[]*watch.Partition](),
		watch.ExportedServiceList: reflect.TypeFor[[]watch.ExportedService](),
		watch.ImportedServiceList: reflect.TypeFor[[]watch.ImportedService](),

		watch.FileContent: reflect.TypeFor[string](),

		watch.NomadServiceList: reflect.TypeFor[[]*watch.NomadServicesSnippet](),
		watch.NomadService:     reflect.TypeFor[[]*watch.NomadServiceInstance](),
	}
}

// schemaOf returns a text that differs where something is encoded in another
// way than by these types and the file's own.
func schemaOf(types map[watch.Kind]reflect.Type) string {
	h := sha256.New()
	fmt.Fprintln(h, layout(reflect.TypeFor[content]()))
	for _, kind := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintln(h, kind, layout(types[kind]))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
